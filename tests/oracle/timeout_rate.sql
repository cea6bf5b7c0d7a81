SELECT by_day(event_time) AS time, ratio(count(*) FILTER (WHERE timed_out), count(*)) AS value FROM calls GROUP BY 1;
