SELECT by_day(event_time) AS time,
       ratio(count(DISTINCT user_id) FILTER (WHERE platform IN ('ios', 'android')), count(DISTINCT user_id)) AS value
FROM active GROUP BY 1;
