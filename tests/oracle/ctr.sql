SELECT by_day(reported_at) AS time, ratio(sum(clicks), sum(impressions)) AS value FROM marketing GROUP BY 1;
