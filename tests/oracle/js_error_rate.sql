WITH thrown AS (SELECT by_day(event_time) AS time, count(*) AS n
                FROM error_events WHERE kind = 'js_error' GROUP BY 1),
     views AS (SELECT by_day(event_time) AS time, count(*) AS n
               FROM events WHERE event_name = 'page_view' GROUP BY 1)
SELECT time, ratio(leaf(thrown.n, time, (SELECT by_day(min(event_time)) FROM error_events)),
                   leaf(views.n, time, (SELECT by_day(min(event_time)) FROM events))) AS value
FROM thrown FULL JOIN views USING (time);
