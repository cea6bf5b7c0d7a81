SELECT date_trunc('month', event_time) AS time, count(DISTINCT user_id) AS value FROM active GROUP BY 1;
