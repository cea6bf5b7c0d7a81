-- Who registered first on a day, and who of them was active seven calendar days later; days that are over.
WITH start AS (SELECT user_id, min(event_time)::DATE AS day FROM registered GROUP BY 1),
     last AS (SELECT max(event_time) AS at FROM events)
SELECT day::TIMESTAMP AS time,
       ratio(count(*) FILTER (WHERE EXISTS (
               SELECT 1 FROM active a WHERE a.user_id = start.user_id AND a.event_time::DATE = start.day + 7)), count(*)) AS value
FROM start, last WHERE last.at >= (start.day + 8)::TIMESTAMP
GROUP BY 1;
