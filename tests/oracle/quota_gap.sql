WITH booked AS (SELECT by_day(booked_at) AS time, -sum(delta) AS n
                FROM ledger WHERE reason IN ('consume', 'refund') GROUP BY 1),
     charged AS (SELECT by_day(submitted_at) AS time, sum(quota_cost) AS n
                 FROM tasks WHERE status = 'success' GROUP BY 1)
SELECT time, abs(leaf(booked.n, time, (SELECT by_day(min(booked_at)) FROM ledger))
               - leaf(charged.n, time, (SELECT by_day(min(submitted_at)) FROM tasks))) AS value
FROM booked FULL JOIN charged USING (time);
