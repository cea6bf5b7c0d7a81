-- By the channel of the visit; without one: unknown.
SELECT by_day(event_time) AS time, coalesce(channel, 'unknown') AS channel, count(DISTINCT user_id) AS value
FROM active GROUP BY 1, 2;
