-- Who paid for the first time of all.
SELECT date_trunc('day', first_at) AS time, count(*) AS value
FROM (SELECT user_id, min(paid_at) AS first_at FROM paid GROUP BY 1) GROUP BY 1;
