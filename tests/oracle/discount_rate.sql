SELECT by_day(paid_at) AS time, ratio(sum(amount - pay_amount), sum(amount)) AS value FROM paid GROUP BY 1;
