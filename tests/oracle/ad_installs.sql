SELECT by_day(touched_at) AS time, count(*) AS value FROM touches WHERE kind = 'install' GROUP BY 1;
