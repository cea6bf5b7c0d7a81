WITH mine AS (
       SELECT e.user_id, e.event_time,
              coalesce(span(e.event_time, lag(e.event_time) OVER (PARTITION BY e.user_id ORDER BY e.event_time)) > 1800000, true) AS first
       FROM events e LEFT JOIN users u ON u.user_id = e.user_id
       WHERE e.user_id IS NOT NULL AND coalesce(u.is_abnormal, false) = false),
     numbered AS (SELECT *, sum(first::INT) OVER (PARTITION BY user_id ORDER BY event_time) AS visit FROM mine),
     visits AS (
       SELECT user_id, visit, min(event_time) AS started, span(max(event_time), min(event_time)) AS lasted
       FROM numbered GROUP BY 1, 2)
SELECT date_trunc('day', started) AS time, ms(avg(lasted)) AS value FROM visits GROUP BY 1;
