SELECT by_hour(event_time) AS time, ms(avg(latency)) AS value FROM calls GROUP BY 1;
