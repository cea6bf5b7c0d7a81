SELECT by_hour(c.event_time) AS time, ms(interpolated(c.latency, 950)) AS value
FROM calls c JOIN apis a ON a.api_id = c.api_id WHERE a.kind = 'inference' GROUP BY 1;
