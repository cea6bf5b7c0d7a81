WITH once AS (SELECT by_day(event_time) AS time, count(*) AS n FROM events GROUP BY 1),
     came AS (SELECT by_day(event_time) AS time, count(*) AS n FROM event_rows WHERE event_id IS NOT NULL GROUP BY 1)
SELECT time, 1 - ratio(leaf(once.n, time, (SELECT by_day(min(event_time)) FROM events)),
             leaf(came.n, time, (SELECT by_day(min(event_time)) FROM event_rows))) AS value
FROM once FULL JOIN came USING (time);
