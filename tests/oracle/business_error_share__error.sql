-- Of the business errors of the day, those of each code.
WITH failed AS (SELECT by_day(c.event_time) AS time, c.error, count(*) AS n
                FROM calls c JOIN error_codes e ON e.code = c.error WHERE e.layer = 'business' GROUP BY 1, 2)
SELECT time, error, ratio(n, sum(n) OVER (PARTITION BY time)) AS value FROM failed;
