-- By the local hour of the login.
SELECT by_day(event_time) AS time, extract('hour' FROM event_time) AS hour, count(*) AS value
FROM active WHERE event_name = 'login' GROUP BY 1, 2;
