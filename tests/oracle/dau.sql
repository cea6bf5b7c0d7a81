-- Distinct users with any effective event on the day.
SELECT by_day(event_time) AS time, count(DISTINCT user_id) AS value FROM active GROUP BY 1;
