SELECT by_day(e.event_time) AS time,
       ratio(count(c.channel_id) + count(f.feature_id) + count(g.geo_id),
             count(e.channel) + count(e.feature) + count(e.geo_id)) AS value
FROM events e LEFT JOIN channels c ON c.channel_id = e.channel LEFT JOIN features f ON f.feature_id = e.feature
     LEFT JOIN geos g ON g.geo_id = e.geo_id
GROUP BY 1 HAVING count(e.channel) + count(e.feature) + count(e.geo_id) > 0;
