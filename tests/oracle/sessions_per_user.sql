SELECT by_day(started_at) AS time, ratio(count(*), count(DISTINCT user_id)) AS value FROM visits GROUP BY 1;
