SELECT by_day(event_time) AS time, count(*) AS value FROM events WHERE event_name LIKE 'share\_%' ESCAPE '\' GROUP BY 1;
