SELECT by_day(event_time) AS time, count(DISTINCT user_id) AS value
FROM active WHERE member_level IN ('monthly', 'yearly') GROUP BY 1;
