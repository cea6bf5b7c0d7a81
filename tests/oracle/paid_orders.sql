SELECT by_day(paid_at) AS time, count(*) AS value FROM paid GROUP BY 1;
