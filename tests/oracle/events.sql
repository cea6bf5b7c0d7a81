SELECT by_day(event_time) AS time, count(*) AS value FROM events GROUP BY 1;
