WITH money AS (SELECT by_day(paid_at) AS time, sum(pay_amount) AS n FROM paid GROUP BY 1),
     used AS (SELECT by_day(booked_at) AS time, -sum(delta) AS n FROM ledger WHERE reason = 'consume' GROUP BY 1)
SELECT time, ratio(leaf(money.n, time, (SELECT by_day(min(paid_at)) FROM orders)),
             leaf(used.n, time, (SELECT by_day(min(booked_at)) FROM ledger))) AS value
FROM money FULL JOIN used USING (time);
