SELECT by_day(resolved_at) AS time, count(*) AS value FROM tickets WHERE resolved_at IS NOT NULL GROUP BY 1;
