SELECT by_day(paid_at) AS time, product_type, sum(pay_amount) AS value FROM paid GROUP BY 1, 2;
