WITH parts AS (SELECT by_month(paid_at) AS time, product_type AS product_type, sum(pay_amount) AS n FROM paid GROUP BY 1, 2)
SELECT time, product_type, ratio(n, sum(n) OVER (PARTITION BY time)) AS value FROM parts;
