SELECT by_day(booked_at) AS time, reason AS quota_reason, sum(delta) AS value FROM ledger GROUP BY 1, 2;
