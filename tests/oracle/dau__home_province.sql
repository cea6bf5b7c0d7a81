-- By the province in which the user registered: from the event to the user, from there to the place.
SELECT by_day(a.event_time) AS time, coalesce(g.province, 'unknown') AS home_province,
       count(DISTINCT a.user_id) AS value
FROM active a LEFT JOIN users u ON u.user_id = a.user_id LEFT JOIN geos g ON g.geo_id = u.geo_id GROUP BY 1, 2;
