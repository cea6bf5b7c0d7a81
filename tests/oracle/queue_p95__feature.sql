SELECT by_day(event_time) AS time, feature, ms(interpolated(queue, 950)) AS value
FROM task_runs GROUP BY 1, 2;
