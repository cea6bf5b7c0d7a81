WITH money AS (SELECT by_day(paid_at) AS time, sum(pay_amount) AS n FROM paid GROUP BY 1),
     people AS (SELECT by_day(event_time) AS time, count(DISTINCT user_id) AS n FROM active GROUP BY 1)
SELECT time, ratio(leaf(money.n, time, (SELECT by_day(min(paid_at)) FROM orders)),
                   leaf(people.n, time, (SELECT by_day(min(event_time)) FROM events))) AS value
FROM money FULL JOIN people USING (time);
