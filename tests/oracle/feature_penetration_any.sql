SELECT by_day(event_time) AS time, 
       ratio(count(DISTINCT user_id) FILTER (WHERE event_name = 'feature_invoke'), count(DISTINCT user_id)) AS value
FROM active GROUP BY 1;
