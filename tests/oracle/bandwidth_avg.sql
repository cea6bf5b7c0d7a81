SELECT by_day(sampled_at) AS time, avg(bandwidth) AS value FROM machine_samples GROUP BY 1;
