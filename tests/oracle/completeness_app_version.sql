SELECT by_day(event_time) AS time, ratio(count(*) FILTER (WHERE app_version <> ''), count(*)) AS value
FROM events GROUP BY 1;
