-- The earliest chain of each first row goes farthest; a unit is a member and a day, shown once all of its windows are over.
-- windowFunnel tells how far a member goes, not how far from each day; copies of rows for the days before them take five times as long.
WITH 604800000 AS within
SELECT day AS time, count() AS looked, countIf(reached >= 2) AS chosen, countIf(reached >= 3) AS in_basket, countIf(reached >= 4) AS paid
FROM (
    SELECT user_id, day, max(multiIf(pay <= look + within, 4, basket <= look + within, 3, choose <= look + within, 2, 1)) AS reached
    FROM (
        SELECT
            user_id, look, toDate(fromUnixTimestamp64Milli(look, 'Asia/Shanghai')) AS day,
            arrayFirstOrNull(t -> t >= look, chooses) AS choose,
            arrayFirstOrNull(t -> t >= choose, baskets) AS basket,
            arrayFirstOrNull(t -> t >= basket, pays) AS pay
        FROM (
            SELECT
                user_id,
                groupArrayIf(toUnixTimestamp64Milli(event_time), name = 'look') AS looks,
                arraySort(groupArrayIf(toUnixTimestamp64Milli(event_time), name = 'choose')) AS chooses,
                arraySort(groupArrayIf(toUnixTimestamp64Milli(event_time), name = 'basket')) AS baskets,
                arraySort(groupArrayIf(toUnixTimestamp64Milli(event_time), name = 'pay')) AS pays
            FROM bench.event
            WHERE name IN ('look', 'choose', 'basket', 'pay')
            GROUP BY user_id
        )
        ARRAY JOIN looks AS look
    )
    GROUP BY user_id, day
)
WHERE day < toDate((SELECT max(event_time) FROM bench.event) - toIntervalDay(7))
GROUP BY day
ORDER BY day
