SELECT by_day(submitted_at) AS time, count(*) AS value FROM tasks GROUP BY 1;
