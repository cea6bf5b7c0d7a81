SELECT by_day(event_time) AS time, count(DISTINCT user_id) AS value
FROM active WHERE registered_at IS NOT NULL AND span(event_time, registered_at) >= 86400000 GROUP BY 1;
