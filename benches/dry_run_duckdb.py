"""The queries of benches/dry_run.rs in DuckDB, one metric at a time: FILE clean|all. The last line is the sum of seconds."""

import sys
import time

import duckdb

path, rows = sys.argv[1:]
connection = duckdb.connect()
connection.execute("SET TimeZone = 'Asia/Shanghai'")
source = f"read_parquet('{path}')"
if rows == "clean":
    # The row of a key that stays: the least time, then the smallest row.
    source = f"""(SELECT * FROM {source} WHERE event_id IS NOT NULL QUALIFY row_number() OVER (PARTITION BY event_id
        ORDER BY event_time, user_id, event_name, platform, feature, amount, latency) = 1)"""
metrics = [
    "count(*)",
    "count(DISTINCT user_id)",
    "count(DISTINCT user_id) FILTER (WHERE platform = 'ios')",
    "coalesce(sum(amount), 0)",
    "coalesce(sum(amount) FILTER (WHERE event_name = 'pay_success'), 0)",
    "avg(amount)",
    "count(*) FILTER (WHERE event_name = 'pay_success')",
    "round_even(quantile_cont(latency, 0.95), 0)",
    "round_even(quantile_cont(latency, 0.5) FILTER (WHERE platform = 'web'), 0)",
    "max(latency)",
    "count(DISTINCT feature)",
    "count(*) FILTER (WHERE event_name = 'pay_success') / nullif(count(*), 0)",
]
total = 0.0
for by in ["", ", platform"]:
    for metric in metrics:
        start = time.perf_counter()
        sql = f"""SELECT date_trunc('day', event_time) AS t{by}, {metric} FROM {source} AS s
            WHERE event_time IS NOT NULL GROUP BY ALL ORDER BY ALL"""
        found = connection.execute(sql).fetchall()
        seconds = time.perf_counter() - start
        total += seconds
        print(f"{len(found)} rows of {metric} by day{by} in {seconds:.2f} s, first {found[0][-1]}")
print(f"{total:.3f} s")
