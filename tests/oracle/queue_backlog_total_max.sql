-- The backlogs of all instances at one moment are added; a moment of nulls is 0.
WITH moments AS (SELECT sampled_at, coalesce(sum(queue_backlog), 0) AS n FROM machine_samples GROUP BY 1)
SELECT by_day(sampled_at) AS time, max(n) AS value FROM moments GROUP BY 1;
