SELECT by_day(started_at) AS time, ratio(sum(rows), count(*)) AS value FROM visits GROUP BY 1;
