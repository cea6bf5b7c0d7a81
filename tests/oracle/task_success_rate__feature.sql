SELECT by_day(submitted_at) AS time, feature, ratio(count(*) FILTER (WHERE status = 'success'), count(*)) AS value
FROM tasks GROUP BY 1, 2;
