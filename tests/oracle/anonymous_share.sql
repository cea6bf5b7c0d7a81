SELECT by_day(event_time) AS time, ratio(count(*) FILTER (WHERE user_id IS NULL), count(*)) AS value
FROM events WHERE event_name = 'page_view' GROUP BY 1;
