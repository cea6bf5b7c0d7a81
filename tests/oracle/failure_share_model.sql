SELECT by_day(t.submitted_at) AS time, ratio(count(*) FILTER (WHERE c.class = 'model'), count(*)) AS value
FROM tasks t LEFT JOIN error_codes c ON c.code = t.error WHERE t.status = 'failed' GROUP BY 1;
