SELECT by_day(event_time) AS time, ms(interpolated(ttfb, 750)) AS value FROM page_loads GROUP BY 1;
