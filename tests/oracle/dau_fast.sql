-- Approximate in the definition: so few users are counted exactly.
SELECT by_day(event_time) AS time, count(DISTINCT user_id) AS value FROM active GROUP BY 1;
