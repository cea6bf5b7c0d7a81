SELECT by_day(event_time) AS time, event_name, count(*) AS value
FROM events WHERE starts_with(event_name, 'share_') GROUP BY 1, 2;
