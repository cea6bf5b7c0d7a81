-- Marks of campaigns are free text: quotes, line breaks, the empty string.
SELECT by_day(event_time) AS time, coalesce(utm_source, 'none') AS utm_source, count(DISTINCT device_id) AS value
FROM events WHERE event_name = 'page_view' GROUP BY 1, 2;
