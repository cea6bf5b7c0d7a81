-- A visit begins with an event that is more than thirty minutes later than the one before it.
WITH mine AS (
       SELECT e.user_id, e.event_time, lag(e.event_time) OVER (PARTITION BY e.user_id ORDER BY e.event_time) AS before
       FROM events e LEFT JOIN users u ON u.user_id = e.user_id
       WHERE e.user_id IS NOT NULL AND coalesce(u.is_abnormal, false) = false)
SELECT date_trunc('day', event_time) AS time, ratio(count(*), count(DISTINCT user_id)) AS value
FROM mine WHERE before IS NULL OR span(event_time, before) > 1800000 GROUP BY 1;
