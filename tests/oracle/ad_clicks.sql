SELECT by_day(touched_at) AS time, count(*) AS value FROM touches WHERE kind = 'click' GROUP BY 1;
