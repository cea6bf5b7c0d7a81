WITH seconds AS (SELECT date_trunc('second', event_time) AS second, count(*) AS n FROM calls GROUP BY 1)
SELECT by_day(second) AS time, max(n) AS value FROM seconds GROUP BY 1;
