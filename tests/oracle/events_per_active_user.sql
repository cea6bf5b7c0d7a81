SELECT by_day(event_time) AS time, ratio(count(*), count(DISTINCT user_id)) AS value FROM active GROUP BY 1;
