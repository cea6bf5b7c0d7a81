-- Accounts as they are now, no buckets.
SELECT coalesce(channel, 'unknown') AS home_channel, count(*) AS value FROM users WHERE NOT is_abnormal GROUP BY 1;
