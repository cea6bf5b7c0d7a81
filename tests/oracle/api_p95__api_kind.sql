SELECT by_day(c.event_time) AS time, coalesce(a.kind, 'other') AS api_kind,
       ms(interpolated(c.latency, 950)) AS value
FROM calls c LEFT JOIN apis a ON a.api_id = c.api_id GROUP BY 1, 2;
