SELECT by_day(event_time) AS time, count(*) AS value FROM calls GROUP BY 1;
