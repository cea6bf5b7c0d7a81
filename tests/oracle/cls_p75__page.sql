SELECT date_trunc('day', event_time) AS time, page_id AS page, quantile_cont(cls, 0.75) AS value FROM page_loads GROUP BY 1, 2;
