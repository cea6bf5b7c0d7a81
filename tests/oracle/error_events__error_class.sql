SELECT by_day(e.event_time) AS time, coalesce(c.class, 'other') AS error_class, count(*) AS value
FROM error_events e LEFT JOIN error_codes c ON c.code = e.error GROUP BY 1, 2;
