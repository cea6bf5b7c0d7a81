SELECT by_day(paid_at) AS time, pay_amount AS value FROM paid
QUALIFY row_number() OVER (PARTITION BY by_day(paid_at) ORDER BY paid_at, order_id) = 1;
