SELECT by_day(event_time) AS time, coalesce(feature, 'none') AS feature, count(DISTINCT user_id) AS value
FROM active WHERE event_name = 'feature_invoke' GROUP BY 1, 2;
