SELECT by_month(ends_at) AS time, count(DISTINCT user_id) AS value
FROM terms WHERE level <> 'trial' GROUP BY 1;
