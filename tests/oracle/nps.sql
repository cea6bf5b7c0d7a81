SELECT by_day(answered_at) AS time,
       ratio(count(*) FILTER (WHERE score >= 9) - count(*) FILTER (WHERE score <= 6), count(*)) AS value
FROM surveys WHERE kind = 'nps' AND score BETWEEN 0 AND 10 GROUP BY 1;
