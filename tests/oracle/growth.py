"""Growths: what `compare:` makes of a metric, from the metric's own answers.

A growth is the value of a bucket, divided by that of the bucket so long before, less one. It has a row where one of the two
has one, up to the last bucket of the rows that the metric reads. A missing number or sum is 0, a missing quotient null.
"""

import datetime
import pathlib
import re

from behaviour import DAY, EVENTS, ORDERS, bucket, last_instant, later

CALLS = ("calls", "event_time")

# What the metrics read, but for those of events.
READ = {
    "gmv": (ORDERS,),
    "paying_users": (ORDERS,),
    "new_paying_users": (("first_paid", "paid_at"),),
    "new_users": (("(SELECT min(event_time) AS first_at FROM active GROUP BY user_id)", "first_at"),),
    "arpu": (EVENTS, ORDERS),
    "pay_conversion": (EVENTS, ORDERS),
    "register_to_pay": (EVENTS, ORDERS),
    "task_success_rate": (("tasks", "submitted_at"),),
    "renewal_rate": (("terms", "ends_at"),),
    "api_p95": (CALLS,),
    "api_availability": (CALLS,),
    "error_rate_5xx": (CALLS,),
    "qps_avg": (CALLS,),
}

# Numbers of things and sums, which are 0 where nothing is.
COUNTED = ("gmv", "dau", "wau", "mau", "paying_users", "new_paying_users", "new_users", "registered_users")


def compared(metrics):
    """The metrics that are compared: their steps, by name, with the part of their coarsest bucket."""
    found = {}
    for path in sorted(pathlib.Path(metrics).glob("*/*.metric")):
        for name, body in re.findall(r"^metric (\w+)(.*?)^}", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
            steps = re.search(r"compare: ([\w, ]+)", body)
            if steps:
                grain = re.search(r"grain: ([\w, ]+)", body)[1].split(",")[-1].strip()
                found[name] = ({"1d": "day", "1w": "week"}.get(grain, grain), re.split(r",\s*", steps[1]))
    return found


def moved(start, step, part, way):
    """The bucket so long before (way -1) or behind (way 1) another one."""
    count, unit = re.fullmatch(r"(\d+)(d|w|month|year)", step).groups()
    n = int(count) * way
    if unit in ("month", "year"):
        months = start.year * 12 + start.month - 1 + n * (12 if unit == "year" else 1)
        first = datetime.datetime(months // 12, months % 12 + 1, 1)
        days = (later(first, "month", 1) - first).days
        return first.replace(day=min(start.day, days))
    return start + n * (7 if unit == "w" else 1) * DAY


def answers(connection, metrics, rows_of):
    """The growths of the metrics whose answers by day, week or month `rows_of` gives, as rows of a bucket and a value."""
    found = {}
    for name, (coarsest, steps) in compared(metrics).items():
        for step in steps:
            # a month goes back by months; a metric that has days too goes back by days in these
            part = "day" if coarsest == "month" and step in ("1d", "1w") else coarsest
            values = {row[0]: row[-1] for row in rows_of(name, part)}
            end = bucket(last_instant(connection, *READ.get(name, (EVENTS,))), part)
            missing = 0 if name in COUNTED else None
            starts = values.keys() | {at for at in (moved(start, step, part, 1) for start in values) if at <= end}
            rows = []
            for start in sorted(starts):
                now, before = values.get(start, missing), values.get(moved(start, step, part, -1), missing)
                known = now is not None and before is not None and float(before) != 0
                rows.append([start, float(now) / float(before) - 1 if known else None])
            found[f"{name}.growth_{step}"] = rows
    return found
