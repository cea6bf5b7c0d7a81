-- Orders refunded on the day for each order paid on the day.
WITH back AS (SELECT date_trunc('day', refunded_at) AS time, count(*) AS n FROM refunded GROUP BY 1),
     sold AS (SELECT date_trunc('day', paid_at) AS time, count(*) AS n FROM paid GROUP BY 1)
SELECT time, ratio(leaf(back.n, time, (SELECT date_trunc('day', min(refunded_at)) FROM orders)),
                   leaf(sold.n, time, (SELECT date_trunc('day', min(paid_at)) FROM orders))) AS value
FROM back FULL JOIN sold USING (time);
