SELECT date_trunc('day', event_time) AS time, ms(quantile_cont(span(received_at, event_time)::DOUBLE, 0.95)) AS value
FROM events GROUP BY 1;
