SELECT by_day(r.event_time) AS time, ratio(count(d.user_id), count(r.user_id)) AS value
FROM events r LEFT JOIN users d ON d.user_id = r.user_id GROUP BY 1
HAVING count(r.user_id) > 0;
