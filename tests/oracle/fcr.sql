SELECT by_day(resolved_at) AS time, ratio(count(*) FILTER (WHERE contacts = 1), count(*)) AS value
FROM tickets WHERE resolved_at IS NOT NULL GROUP BY 1;
