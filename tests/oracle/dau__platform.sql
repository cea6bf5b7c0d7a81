-- The same by the client the event came from; a user of two clients is in both.
SELECT by_day(event_time) AS time, platform, count(DISTINCT user_id) AS value FROM active GROUP BY 1, 2;
