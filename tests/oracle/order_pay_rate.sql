SELECT by_day(created_at) AS time, ratio(count(*) FILTER (WHERE paid_at IS NOT NULL), count(*)) AS value
FROM orders GROUP BY 1;
