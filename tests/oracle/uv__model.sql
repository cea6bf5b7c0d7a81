SELECT by_day(e.event_time) AS time, coalesce(d.model, 'unknown') AS model, count(DISTINCT e.device_id) AS value
FROM events e LEFT JOIN devices d ON d.device_id = e.device_id WHERE e.event_name = 'page_view' GROUP BY 1, 2;
