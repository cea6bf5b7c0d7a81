WITH available AS (
  SELECT by_day(event_time) AS time, 1 - ratio(count(*) FILTER (WHERE status >= 500 OR timed_out), count(*)) AS n
  FROM calls GROUP BY 1)
SELECT time, CASE WHEN 1 - (1 - n) / 0.001::DOUBLE > 0 THEN 1 - (1 - n) / 0.001::DOUBLE ELSE 0 END AS value FROM available;
