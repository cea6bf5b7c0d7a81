SELECT by_day(touched_at) AS time, ratio(count(user_id), count(*)) AS value FROM touches GROUP BY 1;
