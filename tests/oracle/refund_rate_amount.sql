WITH back AS (SELECT by_day(refunded_at) AS time, sum(refund) AS n FROM refunded GROUP BY 1),
     sold AS (SELECT by_day(paid_at) AS time, sum(pay_amount) AS n FROM paid GROUP BY 1)
SELECT time, ratio(leaf(back.n, time, (SELECT by_day(min(refunded_at)) FROM orders)),
             leaf(sold.n, time, (SELECT by_day(min(paid_at)) FROM orders))) AS value
FROM back FULL JOIN sold USING (time);
