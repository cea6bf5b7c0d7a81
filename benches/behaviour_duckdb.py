"""Behaviour by hand in DuckDB.

    make FILE ROWS      writes the events of the benchmark to a Parquet file
    NAME FILE           answers a question of benches/behaviour.rs as CSV, and tells the seconds on the error stream
"""

import csv
import sys
import time

import duckdb

NAMES = "['look', 'look', 'look', 'choose', 'choose', 'basket', 'pay', 'help']"

MAKE = """
COPY (
  SELECT make_timestamp((1793462400000 + (i * 5184000000) // {rows}) * 1000) AT TIME ZONE 'UTC' AS event_time,
         (hash(i) % greatest({rows} // 20, 1))::BIGINT AS user_id,
         {names}[1 + (hash(i + 1000000007) % 8)::INTEGER] AS name
  FROM range({rows}) AS r(i)
) TO '{path}' (FORMAT parquet, COMPRESSION snappy)
"""

# Start day, age, and the share that is active then; a day is over once a row lies behind it.
TRIANGLE = """
WITH day AS (SELECT DISTINCT user_id, event_time::DATE AS d FROM e),
     unit AS (SELECT user_id, min(d) AS s FROM day GROUP BY ALL),
     size AS (SELECT s, count(*) AS n FROM unit GROUP BY ALL),
     active AS (SELECT s, d - s AS age, count(*) AS n FROM day JOIN unit USING (user_id) WHERE d - s <= 30 GROUP BY ALL),
     cell AS (SELECT s, n, unnest(range(31)) AS age FROM size)
SELECT s AS time, age, coalesce(active.n, 0) / cell.n AS triangle
FROM cell LEFT JOIN active USING (s, age)
WHERE s + age::INTEGER < (SELECT max(d) FROM day)
ORDER BY ALL
"""

# The earliest chain of each first row goes farthest; a unit is a member and a day, shown once all of its windows are over.
FUNNEL = """
WITH look AS (SELECT user_id, event_time AS t FROM e WHERE name = 'look'),
     choose AS (SELECT user_id, event_time AS t FROM e WHERE name = 'choose'),
     basket AS (SELECT user_id, event_time AS t FROM e WHERE name = 'basket'),
     pay AS (SELECT user_id, event_time AS t FROM e WHERE name = 'pay'),
     two AS (SELECT a.user_id, a.t AS t1, b.t AS t2 FROM look a ASOF LEFT JOIN choose b ON a.user_id = b.user_id AND b.t >= a.t),
     three AS (SELECT a.user_id, t1, t2, b.t AS t3 FROM two a ASOF LEFT JOIN basket b ON a.user_id = b.user_id AND b.t >= a.t2),
     four AS (SELECT a.user_id, t1, t2, t3, b.t AS t4 FROM three a ASOF LEFT JOIN pay b ON a.user_id = b.user_id AND b.t >= a.t3),
     unit AS (SELECT user_id, t1::DATE AS d, max(CASE WHEN t4 <= t1 + INTERVAL 168 HOUR THEN 4 WHEN t3 <= t1 + INTERVAL 168 HOUR THEN 3
       WHEN t2 <= t1 + INTERVAL 168 HOUR THEN 2 ELSE 1 END) AS reached FROM four GROUP BY ALL)
SELECT d AS time, count(*) AS looked, count(*) FILTER (reached >= 2) AS chosen, count(*) FILTER (reached >= 3) AS in_basket,
       count(*) FILTER (reached >= 4) AS paid
FROM unit WHERE d < ((SELECT max(event_time) FROM e) - INTERVAL 168 HOUR)::DATE
GROUP BY ALL ORDER BY ALL
"""

PATHS = """
WITH lagged AS (SELECT user_id, event_time, name, lag(event_time) OVER w AS before FROM e WINDOW w AS (PARTITION BY user_id ORDER BY event_time, name)),
     numbered AS (SELECT user_id, event_time, name,
       sum(CASE WHEN before IS NULL OR event_time > before + INTERVAL 24 HOUR THEN 1 ELSE 0 END) OVER (PARTITION BY user_id ORDER BY event_time, name) AS n FROM lagged),
     placed AS (SELECT name, row_number() OVER w AS step, lead(name) OVER w AS next, first_value(event_time) OVER w AS start
       FROM numbered WINDOW w AS (PARTITION BY user_id, n ORDER BY event_time, name))
SELECT start::DATE AS time, step, name, next, count(*) AS edges FROM placed WHERE next IS NOT NULL AND step < 6 GROUP BY ALL ORDER BY ALL
"""

what, path = sys.argv[1], sys.argv[2]
connection = duckdb.connect()
connection.execute("SET TimeZone = 'Asia/Shanghai'")
if what == "make":
    connection.execute(MAKE.format(rows=int(sys.argv[3]), names=NAMES, path=path))
    sys.exit()
connection.execute(f"CREATE VIEW e AS SELECT * FROM read_parquet('{path}')")
start = time.perf_counter()
found = connection.execute({"triangle": TRIANGLE, "funnel": FUNNEL, "paths": PATHS}[what])
names = [column[0] for column in found.description]
rows = found.fetchall()
print(f"{time.perf_counter() - start:.3f}", file=sys.stderr)
writer = csv.writer(sys.stdout, lineterminator="\n")
writer.writerow(names)
writer.writerows(rows)
