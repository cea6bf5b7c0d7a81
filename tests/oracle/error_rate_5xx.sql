SELECT by_day(event_time) AS time, ratio(count(*) FILTER (WHERE status BETWEEN 500 AND 599), count(*)) AS value
FROM calls GROUP BY 1;
