SELECT by_day(event_time) AS time, instance, count(*) AS value FROM calls GROUP BY 1, 2;
