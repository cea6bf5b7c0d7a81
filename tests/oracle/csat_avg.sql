SELECT by_day(answered_at) AS time, avg(score) AS value
FROM surveys WHERE kind = 'csat' AND score BETWEEN 1 AND 5 GROUP BY 1;
