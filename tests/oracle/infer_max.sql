SELECT by_day(event_time) AS time, max(infer) AS value FROM task_runs GROUP BY 1;
