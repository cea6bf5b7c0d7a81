SELECT date_trunc('hour', c.event_time) AS time, ms(quantile_cont(c.latency::DOUBLE, 0.95)) AS value
FROM calls c JOIN apis a ON a.api_id = c.api_id WHERE a.kind = 'inference' GROUP BY 1;
