SELECT by_day(event_time) AS time, ms(interpolated(span(received_at, event_time), 950)) AS value
FROM events GROUP BY 1;
