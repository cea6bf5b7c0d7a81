-- Not in total: a rate needs an interval.
SELECT by_day(event_time) AS time, count(*) / 86400::DOUBLE AS value FROM calls GROUP BY 1;
