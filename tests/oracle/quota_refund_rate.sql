-- Both leaves are of the ledger: a day of one of them has a row, the other is 0 there.
SELECT by_day(booked_at) AS time,
       ratio(coalesce(sum(delta) FILTER (WHERE reason = 'refund'), 0),
             coalesce(-sum(delta) FILTER (WHERE reason = 'consume'), 0)) AS value
FROM ledger WHERE reason IN ('refund', 'consume') GROUP BY 1;
