SELECT by_day(reported_at) AS time, sum(clicks) AS value FROM marketing GROUP BY 1;
