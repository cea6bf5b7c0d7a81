SELECT by_day(paid_at) AS time, sum(pay_amount) AS value FROM paid WHERE product_type = 'membership' GROUP BY 1;
