SELECT date_trunc('day', event_time) AS time, count(DISTINCT user_id) AS value FROM registered GROUP BY 1;
