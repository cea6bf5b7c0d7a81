-- A member's rows as lists beside each other: where sessions begin, which row of its session each is, and which one follows.
SELECT toDate(fromUnixTimestamp64Milli(start, 'Asia/Shanghai')) AS time, step, name, next, count() AS edges
FROM (
    SELECT times, names, arrayEnumerate(times) AS places, arrayMap((t, before) -> t - before > 86400000, times, arrayPushFront(arrayPopBack(times), times[1])) AS new
    FROM (
        SELECT arraySort(t) AS times, arraySort((n, t) -> (t, n), n, t) AS names
        FROM (
            SELECT groupArray(toUnixTimestamp64Milli(event_time)) AS t, groupArray(name) AS n
            FROM bench.event
            GROUP BY user_id
        )
    )
)
ARRAY JOIN
    arrayFill((t, n) -> n, times, new) AS start,
    names AS name,
    arrayMap((place, first) -> place - first + 1, places, arrayFill((place, n) -> n, places, new)) AS step,
    arrayPushBack(arrayPopFront(names), '') AS next,
    arrayPushBack(arrayPopFront(new), true) AS last
WHERE step < 6 AND NOT last
GROUP BY time, step, name, next
ORDER BY time, step, name, next
