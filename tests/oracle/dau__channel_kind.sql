-- By the kind of the visit's channel; unknown where there is no channel or the dictionary does not have it.
SELECT by_day(a.event_time) AS time, coalesce(c.kind, 'unknown') AS channel_kind, count(DISTINCT a.user_id) AS value
FROM active a LEFT JOIN channels c ON c.channel_id = a.channel GROUP BY 1, 2;
