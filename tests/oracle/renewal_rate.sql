SELECT by_month(ends_at) AS time, ratio(count(DISTINCT user_id) FILTER (WHERE renewed_at <= ends_at), count(DISTINCT user_id)) AS value
FROM terms WHERE level <> 'trial' GROUP BY 1;
