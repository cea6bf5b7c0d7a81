-- Rows with an id as they came, and events after cleaning.
WITH came AS (
       SELECT date_trunc('day', local_of_ms(event_time)) AS time, count(*) AS n
       FROM csv('event.csv') WHERE event_id IS NOT NULL AND event_time IS NOT NULL GROUP BY 1),
     kept AS (SELECT date_trunc('day', event_time) AS time, count(*) AS n FROM events GROUP BY 1)
SELECT time, 1 - ratio(coalesce(kept.n, 0), came.n) AS value FROM came FULL JOIN kept USING (time);
