SELECT by_day(replayed_at) AS time, ratio(count(*) FILTER (WHERE outcome <> 'same'), count(*)) AS value
FROM replays GROUP BY 1;
