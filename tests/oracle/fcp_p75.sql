SELECT by_day(event_time) AS time, ms(interpolated(fcp, 750)) AS value FROM page_loads GROUP BY 1;
