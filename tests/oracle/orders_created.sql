SELECT by_day(created_at) AS time, count(*) AS value FROM orders GROUP BY 1;
