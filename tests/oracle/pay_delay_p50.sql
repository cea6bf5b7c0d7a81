SELECT by_day(paid_at) AS time, ms(interpolated(span(paid_at, created_at), 500)) AS value
FROM paid GROUP BY 1;
