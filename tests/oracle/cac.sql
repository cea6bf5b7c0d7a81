WITH cost AS (SELECT by_month(reported_at) AS time, sum(cost) AS n FROM marketing GROUP BY 1),
     payers AS (SELECT by_month(paid_at) AS time, count(DISTINCT user_id) AS n FROM first_paid GROUP BY 1)
SELECT time, ratio(leaf(cost.n, time, (SELECT by_month(min(reported_at)) FROM marketing)),
             leaf(payers.n, time, (SELECT by_month(min(paid_at)) FROM orders))) AS value
FROM cost FULL JOIN payers USING (time);
