SELECT by_day(submitted_at) AS time, status AS task_status, count(*) AS value FROM tasks GROUP BY 1, 2;
