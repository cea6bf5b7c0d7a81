SELECT by_day(submitted_at) AS time, ratio(count(*), count(DISTINCT user_id)) AS value FROM tasks GROUP BY 1;
