SELECT by_hour(event_time) AS time, ms(interpolated(latency, 500)) AS value FROM calls GROUP BY 1;
