-- Of those whose registration went through, the share that counts as registered.
WITH tried AS (SELECT by_day(event_time) AS time, count(DISTINCT user_id) AS n
               FROM events WHERE event_name = 'register_success' GROUP BY 1),
     good AS (SELECT by_day(event_time) AS time, count(DISTINCT user_id) AS n FROM registered GROUP BY 1)
SELECT time, ratio(coalesce(good.n, 0), tried.n) AS value FROM tried LEFT JOIN good USING (time);
