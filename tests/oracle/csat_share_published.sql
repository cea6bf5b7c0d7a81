SELECT by_day(answered_at) AS time,
       CASE WHEN count(*) >= 3 THEN ratio(count(*) FILTER (WHERE score >= 4), count(*)) END AS value
FROM surveys WHERE kind = 'csat' AND score BETWEEN 1 AND 5 GROUP BY 1;
