-- Abnormal accounts too.
SELECT by_day(submitted_at) AS time, count(DISTINCT user_id) AS value FROM tasks GROUP BY 1;
