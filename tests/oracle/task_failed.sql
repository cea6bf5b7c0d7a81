SELECT by_day(submitted_at) AS time, count(*) AS value FROM tasks WHERE status = 'failed' GROUP BY 1;
