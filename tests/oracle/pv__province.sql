SELECT by_day(e.event_time) AS time, coalesce(g.province, 'unknown') AS province, count(*) AS value
FROM events e LEFT JOIN geos g ON g.geo_id = e.geo_id WHERE e.event_name = 'page_view' GROUP BY 1, 2;
