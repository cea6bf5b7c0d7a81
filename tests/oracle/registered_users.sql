SELECT by_day(event_time) AS time, count(DISTINCT user_id) AS value FROM registered GROUP BY 1;
