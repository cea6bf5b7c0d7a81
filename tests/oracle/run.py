#!/usr/bin/env python3
"""Runs the hand-written queries over a folder of samples and prints their answers as JSON.

    pip install duckdb
    python3 tests/oracle/run.py metrics/samples [NAME ...]

`METRIC.sql` answers for the metric at its default (coarsest) grain, `METRIC__DIM.sql` for the metric by that dimension.
Buckets are made by `by_hour`, `by_day`, `by_week` and `by_month` of the prelude; all of them put all rows into one bucket
when the query is asked for the whole, so that each query answers twice. Cohorts, funnels and the like are loops in
`behaviour.py`, and what `compare:` makes is in `growth.py`. Two remarks in front of a query count:

    -- Within 5 %: …       an estimate, which may be off by so much
    -- Not in total: …     the query has no answer for the whole

The output is `{"NAME": {"rows": [[cell, ...], ...], "total": [[cell, ...], ...], "within": 0}}`: a cell for the bucket's
start (none in `total`, and where the metric has no buckets; then `total` is left out), for each dimension, and for the value,
in the order of the query. Times are local, `2026-09-01 00:00:00` (with milliseconds where the value is a time); decimals are
strings; durations are whole milliseconds. Rows are sorted.
"""

import datetime
import decimal
import json
import pathlib
import re
import sys

import duckdb

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import behaviour
import growth


def cell(value, is_bucket):
    if type(value) is datetime.date:
        value = datetime.datetime(value.year, value.month, value.day)
    if isinstance(value, datetime.datetime):
        text = value.strftime("%Y-%m-%d %H:%M:%S")
        return text if is_bucket else f"{text}.{value.microsecond // 1000:03}"
    if isinstance(value, decimal.Decimal):
        return str(value)
    return value


def by_key(rows):
    return sorted(rows, key=lambda row: [(c is None, str(c)) for c in row[:-1]])


def answers(connection, query):
    """What a query answers by its buckets, and in total."""
    connection.execute("SET VARIABLE whole = false")
    result = connection.execute(query)
    bucketed = result.description[0][0] == "time"
    rows = [[cell(value, bucketed and at == 0) for at, value in enumerate(row)] for row in result.fetchall()]
    within = re.search(r"^-- Within (\S+) %", query, re.MULTILINE)
    found = {"rows": by_key(rows), "within": float(within[1]) / 100 if within else 0}
    if bucketed and not re.search(r"^-- Not in total", query, re.MULTILINE):
        connection.execute("SET VARIABLE whole = true")
        rows = connection.execute(query).fetchall()
        found["total"] = by_key([[cell(value, False) for value in row[1:]] for row in rows])
    return found


def followed_cells(of):
    """What a loop answers, in the same form."""
    rows = [[cell(value, of["bucketed"] and at == 0) for at, value in enumerate(row)] for row in of["rows"]]
    found = {"rows": by_key(rows), "within": 0}
    if "total" in of:
        found["total"] = by_key([[cell(value, False) for value in row] for row in of["total"]])
    return found


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    samples = pathlib.Path(sys.argv[1])
    if not samples.is_dir():
        sys.exit(f"no folder {samples}")
    text = lambda name: (HERE / f"{name}.sql").read_text(encoding="utf-8")
    names = sys.argv[2:] or sorted(p.stem for p in HERE.glob("*.sql") if p.stem != "prelude")
    connection = duckdb.connect()
    connection.execute("SET VARIABLE samples = ?", [str(samples)])
    connection.execute("SET VARIABLE whole = false")
    connection.execute(text("prelude"))
    followed = behaviour.answers(connection, text)
    found = {name: followed_cells(of) for name, of in followed.items() if not sys.argv[2:] or name in names}
    for name in names:
        if name in found:
            continue
        try:
            found[name] = answers(connection, text(name))
        except (duckdb.Error, OSError) as error:
            sys.exit(f"{name}: {error}")
    def rows_of(name, part):
        """The answers by buckets, whose starts are read back; by days, where a query is by months."""
        of = found.get(name)
        if part == "day" and name not in followed and "by_month(" in text(name):
            of = answers(connection, text(name).replace("by_month(", "by_day("))
        return [[datetime.datetime.fromisoformat(row[0]), row[-1]] for row in of["rows"]]

    metrics = HERE.parent.parent / "metrics"
    for name, rows in growth.answers(connection, metrics, rows_of).items() if not sys.argv[2:] else ():
        found[name] = {"rows": by_key([[cell(value, at == 0) for at, value in enumerate(row)] for row in rows]), "within": 0}
    json.dump(found, sys.stdout, ensure_ascii=False, indent=None, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
