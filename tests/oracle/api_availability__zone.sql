SELECT by_day(event_time) AS time, zone,
       1 - ratio(count(*) FILTER (WHERE status >= 500 OR timed_out), count(*)) AS value
FROM calls GROUP BY 1, 2;
