SELECT by_day(reported_at) AS time, ratio(sum(cost), sum(clicks)) AS value FROM marketing GROUP BY 1;
