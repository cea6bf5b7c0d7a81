-- A code that is not in the dictionary, or none, is another one, too.
SELECT by_day(t.submitted_at) AS time, ratio(count(*) FILTER (WHERE coalesce(c.class, 'other') = 'other'), count(*)) AS value
FROM tasks t LEFT JOIN error_codes c ON c.code = t.error WHERE t.status = 'failed' GROUP BY 1;
