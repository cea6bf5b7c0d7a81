SELECT by_day(touched_at) AS time,
       ratio(count(*) FILTER (WHERE kind = 'click'), count(*) FILTER (WHERE kind = 'exposure')) AS value
FROM touches WHERE kind IN ('click', 'exposure') GROUP BY 1;
