SELECT by_hour(c.event_time) AS time, coalesce(c.error, 'none') AS error, count(*) AS value
FROM calls c JOIN error_codes e ON e.code = c.error WHERE e.layer = 'business' GROUP BY 1, 2;
