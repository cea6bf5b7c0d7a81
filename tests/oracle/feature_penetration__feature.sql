-- Users of a feature, of all users who were active that day.
WITH users_of AS (
       SELECT date_trunc('day', event_time) AS time, coalesce(feature, 'none') AS feature, count(DISTINCT user_id) AS n
       FROM active WHERE event_name = 'feature_invoke' GROUP BY 1, 2),
     everybody AS (SELECT date_trunc('day', event_time) AS time, count(DISTINCT user_id) AS n FROM active GROUP BY 1)
SELECT time, feature, ratio(users_of.n, everybody.n) AS value FROM users_of JOIN everybody USING (time);
