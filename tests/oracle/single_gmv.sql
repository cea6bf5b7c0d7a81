SELECT by_day(paid_at) AS time, sum(pay_amount) AS value FROM paid WHERE product_type = 'single' GROUP BY 1;
