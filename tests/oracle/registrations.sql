-- Verified or not, abnormal or not.
SELECT by_day(event_time) AS time, count(DISTINCT user_id) AS value
FROM events WHERE event_name = 'register_success' GROUP BY 1;
