SELECT by_day(t.submitted_at) AS time, coalesce(c.class, 'other') AS error_class, count(*) AS value
FROM tasks t LEFT JOIN error_codes c ON c.code = t.error WHERE t.status = 'failed' GROUP BY 1, 2;
