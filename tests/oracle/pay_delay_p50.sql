SELECT date_trunc('day', paid_at) AS time, ms(quantile_cont(span(paid_at, created_at)::DOUBLE, 0.5)) AS value
FROM paid GROUP BY 1;
