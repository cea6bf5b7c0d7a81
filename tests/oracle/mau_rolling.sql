-- Not in total: the window of the whole is that of its last day.
WITH days AS (SELECT unnest(generate_series(min(by_day(event_time)), max(by_day(event_time)), INTERVAL 1 DAY)) AS time FROM events)
SELECT time, count(DISTINCT user_id) AS value
FROM days JOIN active ON by_day(event_time) BETWEEN time - INTERVAL 29 DAY AND time GROUP BY 1;
