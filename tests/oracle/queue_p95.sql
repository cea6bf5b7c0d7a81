SELECT by_day(event_time) AS time, ms(interpolated(queue, 950)) AS value FROM task_runs GROUP BY 1;
