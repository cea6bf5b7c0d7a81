SELECT date_trunc('day', event_time) AS time, ms(interpolated(stay, 500)) AS value
FROM events WHERE event_name = 'page_leave' GROUP BY 1;
