WITH sums AS (SELECT date_trunc('month', paid_at) AS time, product_type, sum(pay_amount) AS gmv FROM paid GROUP BY 1, 2)
SELECT time, product_type, ratio(gmv, sum(gmv) OVER (PARTITION BY time)) AS value FROM sums;
