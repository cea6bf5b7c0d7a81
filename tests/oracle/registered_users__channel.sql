SELECT by_day(event_time) AS time, coalesce(channel, 'unknown') AS channel, count(DISTINCT user_id) AS value
FROM registered GROUP BY 1, 2;
