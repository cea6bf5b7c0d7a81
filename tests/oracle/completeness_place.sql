SELECT by_day(event_time) AS time, ratio(count(geo_id), count(*)) AS value FROM events GROUP BY 1;
