SELECT by_day(event_time) AS time,
       ratio(count(DISTINCT user_id) FILTER (WHERE member_level IN ('monthly', 'yearly')), count(DISTINCT user_id)) AS value
FROM active GROUP BY 1;
