SELECT by_day(paid_at) AS time, sum(amount - pay_amount) AS value FROM paid GROUP BY 1;
