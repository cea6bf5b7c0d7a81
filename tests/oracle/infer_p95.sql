SELECT date_trunc('day', event_time) AS time, ms(quantile_cont(infer::DOUBLE, 0.95)) AS value FROM task_runs GROUP BY 1;
