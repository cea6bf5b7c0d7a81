SELECT by_day(event_time) AS time, ratio(count(*) FILTER (WHERE user_id IS NULL AND device_id IS NULL), count(*)) AS value
FROM events GROUP BY 1;
