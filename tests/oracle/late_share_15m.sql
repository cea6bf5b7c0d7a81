SELECT by_day(event_time) AS time, ratio(count(*) FILTER (WHERE span(received_at, event_time) > 900000), count(*)) AS value
FROM events GROUP BY 1;
