SELECT by_day(reported_at) AS time, sum(registrations) AS value FROM marketing GROUP BY 1;
