SELECT by_day(answered_at) AS time, ratio(count(*) FILTER (WHERE score >= 4), count(*)) AS value
FROM surveys WHERE kind = 'csat' AND score BETWEEN 1 AND 5 GROUP BY 1;
