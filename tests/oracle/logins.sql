SELECT by_day(event_time) AS time, count(*) AS value FROM active WHERE event_name = 'login' GROUP BY 1;
