SELECT by_day(paid_at) AS time,
       ratio(coalesce(sum(pay_amount) FILTER (WHERE product_type = 'membership'), 0), sum(pay_amount)) AS value
FROM paid GROUP BY 1;
