SELECT by_day(submitted_at) AS time, feature, count(*) AS value FROM tasks GROUP BY 1, 2;
