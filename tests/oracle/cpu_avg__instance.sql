SELECT by_day(sampled_at) AS time, instance, avg(cpu) AS value FROM machine_samples GROUP BY 1, 2;
