SELECT by_day(t.submitted_at) AS time, ratio(count(*) FILTER (WHERE f.family = 'portrait'), count(*)) AS value
FROM tasks t LEFT JOIN features f ON f.feature_id = t.feature GROUP BY 1;
