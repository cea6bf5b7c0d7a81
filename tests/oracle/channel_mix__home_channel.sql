WITH parts AS (SELECT by_month(paid_at) AS time, coalesce(home_channel, 'unknown') AS home_channel, sum(pay_amount) AS n FROM paid GROUP BY 1, 2)
SELECT time, home_channel, ratio(n, sum(n) OVER (PARTITION BY time)) AS value FROM parts;
