SELECT date_trunc('day', event_time) AS time, ms(quantile_cont(lcp::DOUBLE, 0.75)) AS value FROM page_loads GROUP BY 1;
