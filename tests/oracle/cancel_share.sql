SELECT by_day(submitted_at) AS time, ratio(count(*) FILTER (WHERE status = 'cancelled'), count(*)) AS value
FROM tasks WHERE status IN ('failed', 'cancelled') GROUP BY 1;
