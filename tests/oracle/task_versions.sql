WITH came AS (SELECT by_day(submitted_at) AS time, count(*) AS n FROM task_rows GROUP BY 1),
     once AS (SELECT by_day(submitted_at) AS time, count(*) AS n FROM tasks GROUP BY 1)
SELECT time, ratio(leaf(came.n, time, (SELECT by_day(min(submitted_at)) FROM task_rows)),
             leaf(once.n, time, (SELECT by_day(min(submitted_at)) FROM tasks))) AS value
FROM came FULL JOIN once USING (time);
