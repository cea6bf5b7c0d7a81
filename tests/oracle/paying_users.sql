SELECT by_day(paid_at) AS time, count(DISTINCT user_id) AS value FROM paid GROUP BY 1;
