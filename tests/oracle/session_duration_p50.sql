SELECT by_day(started_at) AS time, ms(interpolated(span(ended_at, started_at), 500)) AS value FROM visits GROUP BY 1;
