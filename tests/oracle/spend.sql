SELECT by_day(reported_at) AS time, sum(cost) AS value FROM marketing GROUP BY 1;
