SELECT by_day(resolved_at) AS time, ms(interpolated(span(resolved_at, opened_at), 500)) AS value
FROM tickets WHERE resolved_at IS NOT NULL GROUP BY 1;
