SELECT by_day(sampled_at) AS time, avg(disk) AS value FROM machine_samples GROUP BY 1;
