SELECT date_trunc('day', event_time) AS time, ms(quantile_cont(stay::DOUBLE, 0.5)) AS value
FROM events WHERE event_name = 'page_leave' GROUP BY 1;
