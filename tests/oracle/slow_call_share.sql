SELECT by_day(event_time) AS time, ratio(count(*) FILTER (WHERE latency > 1000), count(*)) AS value FROM calls GROUP BY 1;
