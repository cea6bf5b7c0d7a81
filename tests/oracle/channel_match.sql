SELECT by_day(e.event_time) AS time,
       ratio(count(*) FILTER (WHERE c.kind IS NOT NULL), count(*) FILTER (WHERE e.channel IS NOT NULL)) AS value
FROM events e LEFT JOIN channels c ON c.channel_id = e.channel GROUP BY 1
HAVING count(*) FILTER (WHERE c.kind IS NOT NULL) > 0 OR count(*) FILTER (WHERE e.channel IS NOT NULL) > 0;
