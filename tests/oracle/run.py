#!/usr/bin/env python3
"""Runs the hand-written queries over a folder of samples and prints their answers as JSON.

    pip install duckdb
    python3 tests/oracle/run.py metrics/samples [NAME ...]

`METRIC.sql` answers for the metric at its default (coarsest) grain, `METRIC__DIM.sql` for the metric by that dimension.
The output is `{"NAME": [[cell, ...], ...]}`: a cell for the bucket's start (none where the metric has no buckets), for
each dimension, and for the value, in the order of the query. Times are local, `2026-09-01 00:00:00` (with milliseconds
where the value is a time); decimals are strings; durations are whole milliseconds. Rows are sorted.
"""

import datetime
import decimal
import json
import pathlib
import sys

import duckdb

HERE = pathlib.Path(__file__).resolve().parent


def cell(value, is_bucket):
    if type(value) is datetime.date:
        value = datetime.datetime(value.year, value.month, value.day)
    if isinstance(value, datetime.datetime):
        text = value.strftime("%Y-%m-%d %H:%M:%S")
        return text if is_bucket else f"{text}.{value.microsecond // 1000:03}"
    if isinstance(value, decimal.Decimal):
        return str(value)
    return value


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    samples = pathlib.Path(sys.argv[1])
    if not samples.is_dir():
        sys.exit(f"no folder {samples}")
    names = sys.argv[2:] or sorted(p.stem for p in HERE.glob("*.sql") if p.stem != "prelude")
    connection = duckdb.connect()
    connection.execute("SET VARIABLE samples = ?", [str(samples)])
    connection.execute((HERE / "prelude.sql").read_text(encoding="utf-8"))
    answers = {}
    for name in names:
        try:
            rows = connection.execute((HERE / f"{name}.sql").read_text(encoding="utf-8")).fetchall()
        except (duckdb.Error, OSError) as error:
            sys.exit(f"{name}: {error}")
        cells = [[cell(value, at == 0) for at, value in enumerate(row)] for row in rows]
        answers[name] = sorted(cells, key=lambda row: [(c is None, str(c)) for c in row[:-1]])
    json.dump(answers, sys.stdout, ensure_ascii=False, indent=None, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
