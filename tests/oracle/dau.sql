-- Distinct users with any effective event on the day.
SELECT date_trunc('day', event_time) AS time, count(DISTINCT user_id) AS value FROM active GROUP BY 1;
