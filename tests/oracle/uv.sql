SELECT by_day(event_time) AS time, count(DISTINCT device_id) AS value
FROM events WHERE event_name = 'page_view' GROUP BY 1;
