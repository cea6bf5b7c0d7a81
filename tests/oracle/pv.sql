SELECT by_day(event_time) AS time, count(*) AS value FROM events WHERE event_name = 'page_view' GROUP BY 1;
