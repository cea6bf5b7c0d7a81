SELECT by_day(reported_at) AS time, sum(installs) AS value FROM marketing GROUP BY 1;
