-- Of the users with a registration on a day, those who used a feature within thirty days of one of them.
WITH last AS (SELECT greatest((SELECT max(event_time) FROM events), (SELECT max(created_at) FROM orders)) AS at),
     entered AS (
       SELECT r.event_time::DATE AS day, r.user_id, bool_or(EXISTS (
                SELECT 1 FROM active a WHERE a.user_id = r.user_id AND a.event_name = 'feature_invoke'
                  AND span(a.event_time, r.event_time) BETWEEN 0 AND 30::BIGINT * 86400000)) AS tried
       FROM registered r WHERE r.user_id IS NOT NULL GROUP BY 1, 2)
SELECT day::TIMESTAMP AS time, ratio(count(*) FILTER (WHERE tried), count(*)) AS value
FROM entered, last WHERE last.at >= (day + 31)::TIMESTAMP GROUP BY 1;
