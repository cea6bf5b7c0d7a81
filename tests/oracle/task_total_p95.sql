SELECT by_day(submitted_at) AS time, ms(interpolated(queue + infer, 950)) AS value
FROM tasks WHERE status = 'success' GROUP BY 1;
