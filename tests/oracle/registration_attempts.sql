SELECT by_day(event_time) AS time, count(*) AS value FROM events WHERE event_name = 'submit_register' GROUP BY 1;
