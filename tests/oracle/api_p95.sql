SELECT date_trunc('day', event_time) AS time, ms(quantile_cont(latency::DOUBLE, 0.95)) AS value FROM calls GROUP BY 1;
