SELECT by_day(paid_at) AS time,
       ratio(count(*) FILTER (WHERE refunded_at IS NOT NULL AND refund > 0), count(*)) AS value
FROM paid GROUP BY 1;
