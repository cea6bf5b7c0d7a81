SELECT by_day(sampled_at) AS time, interpolated(memory, 950) AS value FROM machine_samples GROUP BY 1;
