SELECT by_day(opened_at) AS time, count(*) AS value FROM tickets GROUP BY 1;
