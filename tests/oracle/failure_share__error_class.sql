WITH parts AS (SELECT by_day(t.submitted_at) AS time, coalesce(c.class, 'other') AS error_class, count(*) AS n FROM tasks t LEFT JOIN error_codes c ON c.code = t.error WHERE t.status = 'failed' GROUP BY 1, 2)
SELECT time, error_class, ratio(n, sum(n) OVER (PARTITION BY time)) AS value FROM parts;
