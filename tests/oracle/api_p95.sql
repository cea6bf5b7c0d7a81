SELECT by_day(event_time) AS time, ms(interpolated(latency, 950)) AS value FROM calls GROUP BY 1;
