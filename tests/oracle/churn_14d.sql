-- At the end of each day: who was active 28 to 14 days before, and who of them was not since.
WITH days AS (SELECT unnest(generate_series(min(event_time)::DATE, max(event_time)::DATE, INTERVAL 1 DAY))::DATE + 1 AS ends FROM events),
     base AS (
       SELECT DISTINCT ends, user_id FROM days JOIN active ON event_time >= ends - 28 AND event_time < ends - 14
       WHERE user_id IS NOT NULL),
     later AS (SELECT DISTINCT ends, user_id FROM days JOIN active ON event_time >= ends - 14 AND event_time < ends)
SELECT (ends - 1)::TIMESTAMP AS time,
       ratio(count(base.user_id) FILTER (WHERE later.user_id IS NULL), count(base.user_id)) AS value
FROM days LEFT JOIN base USING (ends) LEFT JOIN later USING (ends, user_id)
GROUP BY 1;
