-- Spend of a month and channel, for each user of that registration channel who paid for the first time in it.
WITH cost AS (SELECT by_month(reported_at) AS time, channel, sum(cost) AS n FROM marketing GROUP BY 1, 2),
     first AS (
       SELECT by_month(min(p.paid_at)) AS time, coalesce(any_value(p.home_channel), 'unknown') AS channel
       FROM paid p GROUP BY p.user_id),
     payers AS (SELECT time, channel, count(*) AS n FROM first GROUP BY 1, 2)
SELECT time, channel,
       ratio(leaf(cost.n, time, (SELECT by_month(min(reported_at)) FROM marketing)),
             leaf(payers.n, time, (SELECT by_month(min(created_at)) FROM orders))) AS value
FROM cost FULL JOIN payers USING (time, channel);
