SELECT by_day(reported_at) AS time, sum(impressions) AS value FROM marketing GROUP BY 1;
