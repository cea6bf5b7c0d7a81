SELECT by_day(event_time) AS time, coalesce(page_id, 'unknown') AS page, ms(avg(stay)) AS value
FROM events WHERE event_name = 'page_leave' GROUP BY 1, 2;
