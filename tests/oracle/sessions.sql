SELECT by_day(started_at) AS time, count(*) AS value FROM visits GROUP BY 1;
