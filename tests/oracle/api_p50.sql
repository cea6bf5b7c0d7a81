SELECT date_trunc('hour', event_time) AS time, ms(quantile_cont(latency::DOUBLE, 0.5)) AS value FROM calls GROUP BY 1;
