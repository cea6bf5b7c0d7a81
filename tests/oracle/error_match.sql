SELECT by_day(r.submitted_at) AS time, ratio(count(d.code), count(r.error)) AS value
FROM tasks r LEFT JOIN error_codes d ON d.code = r.error GROUP BY 1
HAVING count(r.error) > 0;
