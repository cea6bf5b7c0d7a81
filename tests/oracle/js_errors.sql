SELECT by_day(event_time) AS time, count(*) AS value FROM error_events WHERE kind = 'js_error' GROUP BY 1;
