-- Active on an event less than 24 hours after registration.
SELECT by_day(event_time) AS time, count(DISTINCT user_id) AS value
FROM active WHERE span(event_time, registered_at) < 86400000 GROUP BY 1;
