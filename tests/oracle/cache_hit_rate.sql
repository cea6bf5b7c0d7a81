-- The sum of nothing but nulls is 0.
SELECT by_day(sampled_at) AS time,
       ratio(coalesce(sum(cache_hits), 0), coalesce(sum(cache_requests), 0)) AS value
FROM machine_samples GROUP BY 1;
