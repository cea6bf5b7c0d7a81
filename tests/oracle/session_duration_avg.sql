SELECT by_day(started_at) AS time, ms(avg(span(ended_at, started_at))) AS value FROM visits GROUP BY 1;
