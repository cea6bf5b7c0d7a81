SELECT by_day(event_time) AS time, ratio(count(channel), count(*)) AS value FROM events GROUP BY 1;
