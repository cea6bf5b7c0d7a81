SELECT by_day(sampled_at) AS time, var_samp(cpu) AS value FROM machine_samples GROUP BY 1;
