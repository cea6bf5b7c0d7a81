WITH payers AS (SELECT by_day(paid_at) AS time, count(DISTINCT user_id) AS n FROM paid GROUP BY 1),
     good AS (SELECT by_day(event_time) AS time, count(DISTINCT user_id) AS n FROM registered GROUP BY 1)
SELECT time, ratio(leaf(payers.n, time, (SELECT by_day(min(paid_at)) FROM orders)),
                   leaf(good.n, time, (SELECT by_day(min(event_time)) FROM events))) AS value
FROM payers FULL JOIN good USING (time);
