SELECT by_day(paid_at) AS time, ratio(sum(pay_amount), count(DISTINCT user_id)) AS value FROM paid GROUP BY 1;
