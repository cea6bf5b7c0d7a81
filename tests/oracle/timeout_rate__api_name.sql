SELECT by_day(event_time) AS time, api_id AS api_name, ratio(count(*) FILTER (WHERE timed_out), count(*)) AS value
FROM calls GROUP BY 1, 2;
