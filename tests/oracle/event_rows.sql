-- All rows as they came.
SELECT by_day(event_time) AS time, count(*) AS value FROM event_rows GROUP BY 1;
