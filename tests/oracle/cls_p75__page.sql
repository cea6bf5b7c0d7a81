SELECT by_day(event_time) AS time, page_id AS page, interpolated(cls, 750) AS value FROM page_loads GROUP BY 1, 2;
