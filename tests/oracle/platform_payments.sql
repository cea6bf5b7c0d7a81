SELECT by_day(reported_at) AS time, sum(payments) AS value FROM marketing GROUP BY 1;
