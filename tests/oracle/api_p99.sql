SELECT by_hour(event_time) AS time, ms(interpolated(latency, 990)) AS value FROM calls GROUP BY 1;
