SELECT by_day(event_time) AS time, count(*) AS value FROM error_events GROUP BY 1;
