SELECT by_hour(event_time) AS time, ms(interpolated(latency, 950)) AS value
FROM calls JOIN apis USING (api_id) WHERE kind = 'read' GROUP BY 1;
