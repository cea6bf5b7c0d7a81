SELECT by_day(r.event_time) AS time, ratio(count(d.geo_id), count(r.geo_id)) AS value
FROM events r LEFT JOIN geos d ON d.geo_id = r.geo_id GROUP BY 1
HAVING count(r.geo_id) > 0;
