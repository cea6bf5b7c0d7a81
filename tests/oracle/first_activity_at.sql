SELECT by_day(event_time) AS time, min(event_time) AS value FROM active GROUP BY 1;
