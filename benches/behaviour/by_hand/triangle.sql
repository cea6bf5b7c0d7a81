-- Start day, age, and the share that is active then; a day is over once a row lies behind it. All are active on the day they start.
WITH (SELECT max(toDate(event_time)) FROM bench.event) AS last
SELECT start AS time, age, actives[indexOf(ages, age)] / actives[indexOf(ages, 0)] AS triangle
FROM (
    SELECT start, groupArray(age) AS ages, groupArray(active) AS actives
    FROM (
        SELECT start, day - start AS age, count() AS active
        FROM (
            SELECT min(toDate(event_time)) AS start, groupUniqArray(toDate(event_time)) AS days
            FROM bench.event
            GROUP BY user_id
        )
        ARRAY JOIN days AS day
        GROUP BY start, age
    )
    GROUP BY start
)
ARRAY JOIN range(toUInt16(least(31, last - start))) AS age
ORDER BY time, age
