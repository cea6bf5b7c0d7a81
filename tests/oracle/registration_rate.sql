WITH visitors AS (SELECT by_day(event_time) AS time, count(DISTINCT device_id) AS n
                  FROM events WHERE event_name = 'page_view' GROUP BY 1),
     good AS (SELECT by_day(event_time) AS time, count(DISTINCT user_id) AS n FROM registered GROUP BY 1)
SELECT time, ratio(coalesce(good.n, 0), coalesce(visitors.n, 0)) AS value FROM visitors FULL JOIN good USING (time);
