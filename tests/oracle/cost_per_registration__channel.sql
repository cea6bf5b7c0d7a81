-- Spend by the campaign's channel, registered users by the channel of the visit.
WITH cost AS (SELECT by_day(reported_at) AS time, channel, sum(cost) AS n FROM marketing GROUP BY 1, 2),
     good AS (SELECT by_day(event_time) AS time, coalesce(channel, 'unknown') AS channel,
                     count(DISTINCT user_id) AS n FROM registered GROUP BY 1, 2)
SELECT time, channel,
       ratio(leaf(cost.n, time, (SELECT by_day(min(reported_at)) FROM marketing)),
             leaf(good.n, time, (SELECT by_day(min(event_time)) FROM events))) AS value
FROM cost FULL JOIN good USING (time, channel);
