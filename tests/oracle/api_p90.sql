SELECT by_hour(event_time) AS time, ms(interpolated(latency, 900)) AS value FROM calls GROUP BY 1;
