SELECT by_day(paid_at) AS time, count(DISTINCT user_id) AS value FROM first_paid GROUP BY 1;
