-- The smallest amount that at least half of the orders do not exceed.
WITH ranked AS (
  SELECT by_day(paid_at) AS time, pay_amount,
         row_number() OVER (PARTITION BY by_day(paid_at) ORDER BY pay_amount) AS place,
         count(*) OVER (PARTITION BY by_day(paid_at)) AS n
  FROM paid)
SELECT time, min(pay_amount) AS value FROM ranked WHERE 2 * place >= n GROUP BY 1;
