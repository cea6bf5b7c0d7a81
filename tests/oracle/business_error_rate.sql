SELECT by_hour(c.event_time) AS time, ratio(count(*) FILTER (WHERE e.layer = 'business'), count(*)) AS value
FROM calls c LEFT JOIN error_codes e ON e.code = c.error GROUP BY 1;
