-- Each user once a calendar week from Monday.
SELECT by_week(event_time) AS time, count(DISTINCT user_id) AS value FROM active GROUP BY 1;
