SELECT by_day(r.event_time) AS time, ratio(count(d.feature_id), count(r.feature)) AS value
FROM events r LEFT JOIN features d ON d.feature_id = r.feature GROUP BY 1
HAVING count(r.feature) > 0;
