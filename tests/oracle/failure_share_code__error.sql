WITH parts AS (SELECT by_day(submitted_at) AS time, coalesce(error, 'none') AS error, count(*) AS n FROM tasks WHERE status = 'failed' GROUP BY 1, 2)
SELECT time, error, ratio(n, sum(n) OVER (PARTITION BY time)) AS value FROM parts;
