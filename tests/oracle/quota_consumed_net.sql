SELECT by_day(booked_at) AS time, -sum(delta) AS value FROM ledger WHERE reason IN ('consume', 'refund') GROUP BY 1;
