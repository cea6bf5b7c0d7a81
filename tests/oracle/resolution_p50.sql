SELECT date_trunc('day', resolved_at) AS time, ms(quantile_cont(span(resolved_at, opened_at)::DOUBLE, 0.5)) AS value
FROM tickets WHERE resolved_at IS NOT NULL GROUP BY 1;
