SELECT by_day(replayed_at) AS time, count(*) AS value FROM replays GROUP BY 1;
