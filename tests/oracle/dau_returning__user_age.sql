-- Active on an event at least 24 hours after registration, by the age of the account at the event.
SELECT by_day(event_time) AS time,
       CASE WHEN span(event_time, registered_at) < 7::BIGINT * 86400000 THEN '7d'
            WHEN span(event_time, registered_at) < 30::BIGINT * 86400000 THEN '30d'
            WHEN span(event_time, registered_at) < 90::BIGINT * 86400000 THEN '90d' ELSE 'old' END AS user_age,
       count(DISTINCT user_id) AS value
FROM active WHERE registered_at IS NOT NULL AND span(event_time, registered_at) >= 86400000 GROUP BY 1, 2;
