SELECT by_day(started_at) AS time, ratio(count(*) FILTER (WHERE rows = 1), count(*)) AS value FROM visits GROUP BY 1;
