SELECT by_day(booked_at) AS time, sum(delta) AS value FROM ledger WHERE reason = 'topup' GROUP BY 1;
