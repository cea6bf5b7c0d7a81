WITH members AS (SELECT by_month(started_at) AS time, count(DISTINCT user_id) AS n FROM first_terms GROUP BY 1),
     payers AS (SELECT by_month(paid_at) AS time, count(DISTINCT user_id) AS n FROM first_paid GROUP BY 1)
SELECT time, ratio(leaf(members.n, time, (SELECT by_month(min(started_at)) FROM terms)),
             leaf(payers.n, time, (SELECT by_month(min(paid_at)) FROM orders))) AS value
FROM members FULL JOIN payers USING (time);
