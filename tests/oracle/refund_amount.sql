SELECT by_day(refunded_at) AS time, sum(refund) AS value FROM refunded GROUP BY 1;
