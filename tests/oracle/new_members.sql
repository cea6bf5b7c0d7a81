SELECT by_day(started_at) AS time, count(DISTINCT user_id) AS value FROM first_terms GROUP BY 1;
