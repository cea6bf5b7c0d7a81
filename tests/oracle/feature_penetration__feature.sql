-- Users of each feature, of all who were active on the day.
WITH people AS (SELECT by_day(event_time) AS time, count(DISTINCT user_id) AS n FROM active GROUP BY 1),
     used AS (SELECT by_day(event_time) AS time, coalesce(feature, 'none') AS feature, count(DISTINCT user_id) AS n
              FROM active WHERE event_name = 'feature_invoke' GROUP BY 1, 2)
SELECT time, feature, ratio(used.n, people.n) AS value FROM used JOIN people USING (time);
