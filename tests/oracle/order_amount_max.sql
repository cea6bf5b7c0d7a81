SELECT by_day(paid_at) AS time, max(pay_amount) AS value FROM paid GROUP BY 1;
