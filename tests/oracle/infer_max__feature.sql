SELECT by_day(event_time) AS time, feature, max(infer) AS value FROM task_runs GROUP BY 1, 2;
