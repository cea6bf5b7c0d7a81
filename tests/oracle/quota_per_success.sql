SELECT by_day(submitted_at) AS time, ratio(sum(quota_cost), count(*)) AS value
FROM tasks WHERE status = 'success' GROUP BY 1;
