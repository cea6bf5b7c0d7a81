SELECT by_day(sampled_at) AS time, max(queue_backlog) AS value FROM machine_samples GROUP BY 1;
