SELECT by_day(refunded_at) AS time, count(*) AS value FROM refunded GROUP BY 1;
