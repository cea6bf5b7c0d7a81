SELECT by_day(event_time) AS time, ms(interpolated(stay, 500)) AS value
FROM events WHERE event_name = 'page_leave' GROUP BY 1;
