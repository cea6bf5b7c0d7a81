SELECT by_day(event_time) AS time, coalesce(page_id, 'unknown') AS page, count(*) AS value
FROM events WHERE event_name = 'page_view' GROUP BY 1, 2;
