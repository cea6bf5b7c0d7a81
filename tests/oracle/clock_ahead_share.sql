SELECT by_day(event_time) AS time, ratio(count(*) FILTER (WHERE received_at < event_time), count(*)) AS value
FROM events GROUP BY 1;
