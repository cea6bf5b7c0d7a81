SELECT by_month(reported_at) AS time, ratio(sum(revenue), sum(cost)) AS value FROM marketing GROUP BY 1;
