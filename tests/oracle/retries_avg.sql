SELECT by_day(event_time) AS time, avg(retries)::DOUBLE AS value FROM task_runs GROUP BY 1;
