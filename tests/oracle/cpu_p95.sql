SELECT date_trunc('day', sampled_at) AS time, quantile_cont(cpu, 0.95) AS value FROM machine_samples GROUP BY 1;
