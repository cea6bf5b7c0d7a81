-- The empty version and a missing one are two things.
SELECT by_day(event_time) AS time, coalesce(app_version, 'unknown') AS app_version,
       count(DISTINCT user_id) AS value
FROM active GROUP BY 1, 2;
