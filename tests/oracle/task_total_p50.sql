-- Queue plus inference; without one of the two there is no total.
SELECT by_day(submitted_at) AS time, ms(interpolated((queue + infer), 500)) AS value
FROM tasks WHERE status = 'success' GROUP BY 1;
