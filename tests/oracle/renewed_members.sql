SELECT by_month(ends_at) AS time, count(DISTINCT user_id) AS value
FROM terms WHERE level <> 'trial' AND renewed_at <= ends_at GROUP BY 1;
