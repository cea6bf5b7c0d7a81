SELECT by_day(paid_at) AS time, coalesce(home_channel, 'unknown') AS home_channel,
       count(DISTINCT user_id) AS value
FROM paid GROUP BY 1, 2;
