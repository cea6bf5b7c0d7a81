-- Who was active on the day, of whom was active on any of the thirty days that end with it.
WITH days AS (SELECT unnest(generate_series(min(event_time)::DATE, max(event_time)::DATE, INTERVAL 1 DAY))::DATE AS day FROM events)
SELECT day::TIMESTAMP AS time,
       ratio(count(DISTINCT user_id) FILTER (WHERE event_time::DATE = day), count(DISTINCT user_id)) AS value
FROM days JOIN active ON event_time::DATE BETWEEN day - 29 AND day
GROUP BY 1;
