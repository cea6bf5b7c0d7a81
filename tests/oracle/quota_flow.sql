SELECT by_day(booked_at) AS time, sum(delta) AS value FROM ledger GROUP BY 1;
