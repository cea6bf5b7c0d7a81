SELECT by_day(event_time) AS time, interpolated(cls, 750) AS value FROM page_loads GROUP BY 1;
