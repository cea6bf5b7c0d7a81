SELECT by_day(paid_at) AS time, stddev_samp(pay_amount::DOUBLE) AS value FROM paid GROUP BY 1;
