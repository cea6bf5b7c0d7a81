WITH parts AS (SELECT by_day(submitted_at) AS time, feature AS feature, count(*) AS n FROM tasks GROUP BY 1, 2)
SELECT time, feature, ratio(n, sum(n) OVER (PARTITION BY time)) AS value FROM parts;
