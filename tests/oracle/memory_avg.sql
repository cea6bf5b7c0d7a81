SELECT by_day(sampled_at) AS time, avg(memory) AS value FROM machine_samples GROUP BY 1;
