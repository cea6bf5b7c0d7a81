-- Money of a day's registered users up to the thirtieth day, of the ages at which one of them was active, per user.
WITH start AS (SELECT user_id, min(event_time)::DATE AS day FROM registered GROUP BY 1),
     last AS (SELECT greatest((SELECT max(event_time) FROM events), (SELECT max(created_at) FROM orders)) AS at),
     cohort AS (SELECT day, count(*) AS size FROM start, last WHERE last.at >= (day + 31)::TIMESTAMP GROUP BY 1),
     lived AS (
       SELECT DISTINCT s.day, date_diff('day', s.day, a.event_time::DATE) AS age
       FROM start s JOIN active a ON a.user_id = s.user_id),
     earned AS (
       SELECT s.day, date_diff('day', s.day, p.paid_at::DATE) AS age, sum(p.pay_amount) AS gmv
       FROM start s JOIN paid p ON p.user_id = s.user_id GROUP BY 1, 2)
SELECT cohort.day::TIMESTAMP AS time,
       coalesce(sum(gmv) FILTER (WHERE earned.age BETWEEN 0 AND 30 AND lived.age IS NOT NULL), 0)::DOUBLE / size AS value
FROM cohort LEFT JOIN earned USING (day) LEFT JOIN lived ON lived.day = earned.day AND lived.age = earned.age
GROUP BY 1, size;
