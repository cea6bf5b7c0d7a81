SELECT by_day(submitted_at) AS time, ratio(count(*) FILTER (WHERE status = 'success'), count(*)) AS value
FROM tasks GROUP BY 1;
