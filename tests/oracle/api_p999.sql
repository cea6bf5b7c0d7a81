SELECT by_day(event_time) AS time, ms(interpolated(latency, 999)) AS value
FROM calls WHERE NOT timed_out GROUP BY 1;
