SELECT by_month(event_time) AS time, count(DISTINCT user_id) AS value FROM active GROUP BY 1;
