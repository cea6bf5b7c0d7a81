SELECT by_day(touched_at) AS time, count(*) AS value FROM touches WHERE kind = 'exposure' GROUP BY 1;
