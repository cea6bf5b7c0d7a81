SELECT date_trunc('day', event_time) AS time, feature, ms(quantile_cont(queue::DOUBLE, 0.95)) AS value
FROM task_runs GROUP BY 1, 2;
