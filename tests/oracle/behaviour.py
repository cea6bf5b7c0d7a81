"""What users do over time: the answers of the oracle that SQL has no short words for.

Each construct is a plain loop over the clean rows of `prelude.sql`, written from the words of docs/language.md and of the
metrics' descriptions. A metric is a function of the bucket it is asked by ("day", "week", "month", or "total"), which gives
values by keys: the bucket's start and the dimensions.
"""

import bisect
import collections
import datetime
import math
from decimal import Decimal
from fractions import Fraction

DAY = datetime.timedelta(days=1)
MS = datetime.timedelta(milliseconds=1)


# Time


def bucket(time, part):
    """The start of the bucket that holds an instant; of the total, none."""
    day = datetime.datetime(time.year, time.month, time.day)
    if part == "week":
        return day - day.weekday() * DAY
    if part == "month":
        return day.replace(day=1)
    return day if part == "day" else None


def later(start, part, n):
    """The start of the bucket n buckets behind one."""
    if part == "month":
        months = start.year * 12 + start.month - 1 + n
        return start.replace(year=months // 12, month=months % 12 + 1)
    return start + n * (7 if part == "week" else 1) * DAY


def whole_ms(values):
    """The median of durations, in whole milliseconds."""
    ordered = sorted(value // MS for value in values)
    if not ordered:
        return None
    low, rest = divmod(len(ordered) - 1, 2)
    exact = Fraction(ordered[low]) + (Fraction(ordered[low + 1] - ordered[low], 2) if rest else 0)
    return round(exact)


def ratio(a, b):
    return None if a is None or b is None or b == 0 else float(a) / float(b)


# The clean rows


class Rows:
    """Rows of a query, each with its time, its key and whom it is of, in their order."""

    def __init__(self, connection, query):
        result = connection.execute(query)
        names = [column[0] for column in result.description]
        self.rows = [dict(zip(names, row)) for row in result.fetchall()]

    def by_member(self):
        found = collections.defaultdict(list)
        for row in sorted(self.rows, key=lambda row: (row["time"], row["key"])):
            if row["member"] is not None:
                found[row["member"]].append(row)
        return found


def last_instant(connection, *sources):
    """The last instant of all clean rows of some sources."""
    return max(connection.execute(f"SELECT max({time}) FROM {table}").fetchone()[0] for table, time in sources)


EVENTS = ("events", "event_time")
ORDERS = ("orders", "created_at")
TASKS = ("tasks", "submitted_at")
TOUCHES = ("touches", "touched_at")


class World:
    def __init__(self, connection):
        self.connection = connection
        self.active = self.query("SELECT *, event_time AS time, event_id AS key, user_id AS member FROM active")
        self.registered = self.query("SELECT *, event_time AS time, event_id AS key, user_id AS member FROM registered")
        self.paid = self.query("SELECT *, paid_at AS time, order_id AS key, user_id AS member FROM paid")

    def query(self, text):
        return Rows(self.connection, text)

    def last(self, *sources):
        return last_instant(self.connection, *sources)


# Cohorts


class Cohort:
    """Members from their first row on. An age is over once some row of the sources lies behind its bucket."""

    def __init__(self, start, active, every, until, last):
        self.first = {member: rows[0] for member, rows in start.by_member().items()}
        self.active = {(member, bucket(row["time"], every)) for member, rows in active.by_member().items() for row in rows}
        self.every, self.until, self.last = every, until, last

    def units(self, part, age):
        """The members of each bucket of starts whose age is over, with the bucket of the age."""
        found = collections.defaultdict(list)
        for member, row in self.first.items():
            start = bucket(row["time"], self.every)
            if later(start, self.every, age + 1) <= self.last:
                found[bucket(row["time"], part)].append((member, later(start, self.every, age)))
        return found

    def retained(self, age):
        def answer(part):
            units = self.units(part, age).items()
            return {(at,): ratio(sum(unit in self.active for unit in of), len(of)) for at, of in units}

        return answer

    def triangle(self, part):
        """Retention by age."""
        found = {}
        for age in range(self.until + 1):
            for (at,), value in self.retained(age)(part).items():
                found[(at, age)] = value
        return found

    def values(self, of):
        """The sum of an amount by member and bucket of an age."""
        found = collections.defaultdict(Decimal)
        for row in of.rows:
            found[(row["member"], bucket(row["time"], self.every))] += row["pay_amount"]
        return found

    def ltv(self, of, age, discount=0.0):
        """What a unit is worth up to an age; money of an age at which nobody is active does not count."""
        amounts = self.values(of)

        def answer(part):
            found = {}
            for at, units in self.units(part, age).items():
                worth = 0.0
                for k in range(age + 1):
                    here = [(member, later(end, self.every, k - age)) for member, end in units]
                    if any(unit in self.active for unit in here):
                        earned = sum((amounts[unit] for unit in here if unit in amounts), Decimal())
                        worth += float(earned) / len(units) / (1 + discount) ** (k / 30)
                found[(at,)] = worth
            return found

        return answer

    def per_active(self, of):
        """An amount for each active unit, by age."""
        amounts = self.values(of)

        def answer(part):
            found = {}
            for age in range(self.until + 1):
                for at, units in self.units(part, age).items():
                    earned = [amounts[unit] for unit in units if unit in amounts]
                    active = sum(unit in self.active for unit in units)
                    if earned or active:
                        found[(at, age)] = ratio(sum(earned, Decimal()), active)
            return found

        return answer


# Lifecycles


class Lifecycle:
    def __init__(self, active, first, last):
        self.times = {member: [row["time"] for row in rows] for member, rows in active.by_member().items()}
        self.first, self.last = first, last

    def buckets(self, part):
        at, found = bucket(self.first, part), []
        while at <= self.last:
            found.append((at, later(at, part, 1)))
            at = later(at, part, 1)
        return found

    @staticmethod
    def acts(times, start, end):
        """Whether some of the ordered times lies in [start, end)."""
        return bisect.bisect_left(times, start) < bisect.bisect_left(times, end)

    def count(self, condition):
        """How many members meet a condition on their times and the bucket."""

        def answer(part):
            buckets = self.buckets(part)
            return {(s,): sum(condition(times, s, t) for times in self.times.values()) for s, t in buckets}

        return answer

    def new(self):
        """A bucket without a first activity has no row."""
        counts = self.count(lambda times, s, t: s <= times[0] < t)
        return lambda part: {key: n for key, n in counts(part).items() if n}

    def returning(self, days):
        return self.count(lambda times, s, t: self.acts(times, s, t) and self.acts(times, s - days * DAY, s))

    def resurrected(self, days):
        def condition(times, s, t):
            before = s - days * DAY
            return self.acts(times, s, t) and not self.acts(times, before, s) and times[0] < before

        return self.count(condition)

    def base(self, days):
        return self.count(lambda times, _, t: self.acts(times, t - 2 * days * DAY, t - days * DAY))

    def churned(self, days):
        def condition(times, _, t):
            return self.acts(times, t - 2 * days * DAY, t - days * DAY) and not self.acts(times, t - days * DAY, t)

        return self.count(condition)

    def churn(self, days):
        def answer(part):
            base = self.base(days)(part)
            return {key: ratio(value, base[key]) for key, value in self.churned(days)(part).items()}

        return answer

    def dormant(self):
        def condition(times, s, t):
            return times[0] < s and not self.acts(times, s, t)

        return self.count(condition)


# Funnels


class Funnel:
    """How far members get through steps within a window from the first one, both ends included."""

    def __init__(self, steps, within, last):
        rows = [step.by_member() for step in steps]
        self.within, self.last, self.steps = within, last, len(steps)
        self.attempts = collections.defaultdict(list)
        for member, firsts in rows[0].items():
            for first in firsts:
                self.attempts[member].append(self.attempt([of.get(member, []) for of in rows], first))

    def attempt(self, rows, first):
        """The times of the steps that an attempt reaches: of each the earliest row that is left."""
        reached, used = [first["time"]], {(0, first["key"])}
        for place in range(1, self.steps):
            def fits(row):
                return reached[-1] <= row["time"] <= first["time"] + self.within and (row["key"] not in taken)

            taken = {key for _, key in used}
            row = next(filter(fits, rows[place]), None)
            if row is None:
                break
            reached.append(row["time"])
            used.add((place, row["key"]))
        return reached

    def units(self, part):
        """The attempts of each member by the bucket of their first step, once all windows of the bucket are over."""
        found = collections.defaultdict(lambda: collections.defaultdict(list))
        for member, attempts in self.attempts.items():
            for attempt in attempts:
                start = bucket(attempt[0], part)
                if later(start, part, 1) + self.within <= self.last:
                    found[start][member].append(attempt)
        return found

    def reached(self, step):
        def answer(part):
            found = {}
            for start, members in self.units(part).items():
                found[(start,)] = sum(max(map(len, attempts)) > step for attempts in members.values())
            return {key: n for key, n in found.items() if n}

        return answer

    def rate(self, a, b):
        def answer(part):
            of, some = self.reached(a)(part), self.reached(b)(part)
            return {key: ratio(some.get(key, 0), n) for key, n in of.items()}

        return answer

    def median_time(self, a, b):
        def answer(part):
            found = {}
            for start, members in self.units(part).items():
                furthest = [max(attempts, key=len) for attempts in members.values()]
                found[(start,)] = whole_ms([attempt[b] - attempt[a] for attempt in furthest if len(attempt) > b])
            return found

        return answer


# Conversions


class Conversion:
    """Rows that are credited to rows of the same member before them: to the last one, or to the first within reach."""

    def __init__(self, leading, within, last, credit="last"):
        self.leading = leading.by_member()
        self.within, self.last, self.credit = within, last, credit

    def ends(self, time):
        """The last instant that is within reach."""
        return time.replace(hour=23, minute=59, second=59, microsecond=999999) if self.within is None else time + self.within

    def published(self, row, part):
        """Whether all windows that begin in the bucket of a row are over."""
        end = later(bucket(row["time"], part), part, 1)
        return (end if self.within is None else end + self.within) <= self.last

    def credits(self, rows):
        """The rows that are credited to each leading row."""
        found = collections.defaultdict(list)
        for row in rows.rows:
            leading = [one for one in self.leading.get(row["member"], []) if one["time"] <= row["time"] <= self.ends(one["time"])]
            if leading:
                found[leading[0 if self.credit == "first" else -1]["key"]].append(row)
        return found

    def rate(self, rows):
        credits = self.credits(rows)

        def answer(part):
            found = collections.defaultdict(list)
            for leading in self.leading.values():
                for row in leading:
                    if self.published(row, part):
                        found[(bucket(row["time"], part),)].append(row["key"] in credits)
            return {key: ratio(sum(of), len(of)) for key, of in found.items()}

        return answer

    def value(self, rows):
        credits = self.credits(rows)

        def answer(part):
            found = {}
            for leading in self.leading.values():
                for row in leading:
                    if self.published(row, part) and row["key"] in credits:
                        key = (bucket(row["time"], part),)
                        earned = sum((one["pay_amount"] for one in credits[row["key"]]), Decimal())
                        found[key] = found.get(key, Decimal()) + earned
            return found

        return answer


# Attributions


def shares(model, touches, time):
    """How much each touch weighs; whole numbers."""
    n = len(touches)
    if model == "first":
        return [1] + [0] * (n - 1)
    if model == "last":
        return [0] * (n - 1) + [1]
    if model == "linear" or n == 1:
        return [1] * n
    if model == "position":
        return [1, 1] if n == 2 else [2 * (n - 2)] + [1] * (n - 2) + [2 * (n - 2)]
    weights = [math.floor(2.0 ** (20 - (touches[-1]["time"] - touch["time"]) / (7 * DAY))) for touch in touches]
    return weights


def credit(units, weights):
    """A whole number shared out by weights: the units that are left go to the greatest rests, the earlier first."""
    total = sum(weights)
    parts = [units * weight // total for weight in weights]
    rests = [units * weight % total for weight in weights]
    for place in sorted(range(len(weights)), key=lambda place: (-rests[place], place))[: units - sum(parts)]:
        parts[place] += 1
    return parts


class Attribution:
    def __init__(self, conversions, touches, within):
        self.credits = []
        by_member = touches.by_member()
        for row in conversions.rows:
            time, cents = row["time"], int(row["pay_amount"] * 100)
            before = [t for t in by_member.get(row["member"], []) if time - within <= t["time"] <= time]
            for model in ("first", "last", "linear", "position", "time_decay"):
                if not before:
                    self.credits.append((time, "none", model, cents))
                    continue
                weights = shares(model, before, time)
                for touch, weight, part in zip(before, weights, credit(cents, weights)):
                    if weight:
                        self.credits.append((time, touch["channel"] or "unknown", model, part))

    def value(self, model=None):
        """By the channel; without a model, by the model too. A touch that the model passes over is no row."""

        def answer(part):
            found = collections.defaultdict(int)
            for time, channel, of, cents in self.credits:
                if model in (None, of):
                    found[(bucket(time, part), channel) + ((of,) if model is None else ())] += cents
            return {key: Decimal(cents) / 100 for key, cents in found.items()}

        return answer

    def total(self, model):
        """Of all channels."""

        def answer(part):
            found = collections.defaultdict(int)
            for time, _, of, cents in self.credits:
                if of == model:
                    found[(bucket(time, part),)] += cents
            return {key: Decimal(cents) / 100 for key, cents in found.items()}

        return answer


# Paths


class Paths:
    def __init__(self, rows, pause, depth, goal):
        self.paths = []
        for of in rows.by_member().values():
            session = []
            for row in of:
                if session and row["time"] - session[-1]["time"] > pause:
                    self.add(session, depth, goal)
                    session = []
                session.append(row)
            self.add(session, depth, goal)

    def add(self, session, depth, goal):
        steps = [row["step"] for place, row in enumerate(session) if not place or row["step"] != session[place - 1]["step"]]
        outcome = "dropoff"
        if goal in steps[:depth]:
            steps, outcome = steps[: steps.index(goal) + 1], "goal"
        elif len(steps) > depth:
            steps, outcome = steps[:depth], "depth"
        self.paths.append((session[0]["time"], steps, outcome))

    def count(self, items):
        """How many items the paths have, by what the function says of each path."""

        def answer(part):
            found = collections.Counter()
            for time, steps, outcome in self.paths:
                for item in items(steps, outcome):
                    found[(bucket(time, part), *item)] += 1
            return dict(found)

        return answer

    def rate(self, part):
        found = collections.defaultdict(list)
        for time, _, outcome in self.paths:
            found[(bucket(time, part),)].append(outcome == "goal")
        return {key: ratio(sum(of), len(of)) for key, of in found.items()}

    def shortest(self, part):
        # Where no path reaches the goal there is nothing to take the least of, and no row.
        found = {}
        for time, steps, outcome in self.paths:
            if outcome == "goal":
                key = (bucket(time, part),)
                found[key] = min(found.get(key, len(steps)), len(steps))
        return found

    def dropoff_rate(self, part):
        ends = self.count(lambda steps, outcome: [(steps[-1],)] if outcome == "dropoff" else [])(part)
        nodes = self.count(lambda steps, _: [(step,) for step in steps])(part)
        return {key: ratio(ends.get(key, 0), n) for key, n in nodes.items()}


# Experiments


def normal_tail(z):
    """The probability of a value at least as far from 0 as z."""
    return math.erfc(abs(z) / math.sqrt(2))


Z95 = 1.959963984540054


class Experiment:
    """Two variants; each unit with what it did in the window behind its exposure (y, d) and before it (x, e)."""

    def __init__(self, exposures, within, last):
        self.units, self.excluded = {}, collections.Counter()
        for member, rows in exposures.by_member().items():
            first = rows[0]
            if first["time"] + within > last:
                continue
            if len({row["variant"] for row in rows}) > 1:
                self.excluded[first["variant"]] += 1
            else:
                self.units[member] = (first["variant"], first["time"])
        self.within = within

    def counts(self):
        return collections.Counter(variant for variant, _ in self.units.values())

    def measure(self, rows, value):
        """Of each unit: what it did behind its exposure, and before."""
        by_member, found = rows.by_member(), {}
        for member, (_, time) in self.units.items():
            own = by_member.get(member, [])
            after = [row for row in own if time <= row["time"] < time + self.within]
            before = [row for row in own if time - self.within <= row["time"] < time]
            found[member] = (float(value(after)), float(value(before)))
        return found

    def sample_ratio(self):
        counts = self.counts()
        half = sum(counts.values()) / 2
        chi2 = sum((n - half) ** 2 / half for n in counts.values())
        return math.erfc(math.sqrt(chi2 / 2))

    def of(self, variant, measured):
        return [measured[member] for member, (own, _) in self.units.items() if own == variant]


def variance(values):
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values) / (len(values) - 1)


def covariance(xs, ys):
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((a - x) * (b - y) for a, b in zip(xs, ys)) / (len(xs) - 1)


def of_units(numbers, counts, members):
    """A mean over units, or a quotient of two sums; and for each unit the number whose mean varies as it does."""
    y = [numbers[m] for m in members]
    if counts is None:
        return sum(y) / len(y), y
    d = [counts[m] for m in members]
    quotient = sum(y) / sum(d)
    return quotient, [(a - quotient * b) / (sum(d) / len(d)) for a, b in zip(y, d)]


class Compared:
    """A variant against the control of an experiment, after CUPED: the relative difference and its error.

    `measured` and `counted`, for quotients, have of each unit a number behind the exposure and one before it.
    """

    def __init__(self, experiment, measured, counted=None, arms=("a", "b"), cuped=True):
        def part(place, members):
            counts = None if counted is None else {m: pair[place] for m, pair in counted.items()}
            return of_units({m: pair[place] for m, pair in measured.items()}, counts, members)

        everybody = list(measured)
        overall, before = part(1, everybody)
        foretells = cuped and len(set(before)) > 1
        theta = covariance(before, part(0, everybody)[1]) / variance(before) if foretells else 0.0
        mean, error = {}, {}
        for variant in arms:
            members = [m for m in everybody if experiment.units[m][0] == variant]
            (after, ys), (own, xs) = part(0, members), part(1, members)
            mean[variant] = after - theta * (own - overall)
            left = [y - theta * x for y, x in zip(ys, xs)]
            error[variant] = variance(left) / len(members) if len(members) > 1 else None
        control, treated = (mean[variant] for variant in arms)
        self.difference = self.error = None
        if control != 0:
            self.difference = (treated - control) / control
        if control != 0 and None not in error.values():
            self.error = math.sqrt((error[arms[1]] + (treated / control) ** 2 * error[arms[0]]) / control**2)

    def p_value(self):
        return normal_tail(self.difference / self.error)

    def believed(self, deviation):
        """The difference that is expected, and the probability that it is above 0, if 0 ± deviation was thought before."""
        if not self.error:
            return None, None
        weights = 1 / deviation**2, 1 / self.error**2
        expected = self.difference * weights[1] / sum(weights)
        return expected, math.erfc(-expected * math.sqrt(sum(weights)) / math.sqrt(2)) / 2


# Segments


def first_that_is_true(*classes):
    return next(name for name, holds in classes if holds)


class Segment:
    """The class of each user as of the start of a day, by what lies on days before it."""

    def __init__(self, world, sources, classify):
        self.members = [row[0] for row in world.connection.execute("SELECT user_id FROM users").fetchall()]
        self.rows = [source.by_member() for source in sources]
        times = [row["time"] for of in self.rows for rows in of.values() for row in rows]
        self.first, self.last = bucket(min(times), "day"), bucket(max(times), "day")
        self.classify, self.known = classify, {}

    def of(self, member, day):
        if (member, day) not in self.known:
            before = [[row for row in of.get(member, []) if row["time"] < day] for of in self.rows]
            self.known[(member, day)] = self.classify(day, *before)
        return self.known[(member, day)]

    def count(self, part, wanted=None):
        """How many members each class has at the start of each bucket; of one class, its number alone."""
        found, at = collections.Counter(), bucket(self.first, part)
        while at <= self.last:
            if at >= self.first:
                for member in self.members:
                    name = self.of(member, at)
                    if wanted in (None, name):
                        found[(at, name) if wanted is None else (at,)] += 1
            at = later(at, part, 1)
        return dict(found)


def within(rows, day, days):
    return [row for row in rows if row["time"] >= day - days * DAY]


def rfm(day, paid):
    f, m = len(within(paid, day, 90)), sum(row["pay_amount"] for row in within(paid, day, 90))
    lately = bool(paid) and day - paid[-1]["time"] <= 30 * DAY
    return first_that_is_true(
        ("never", not paid),
        ("champion", lately and f >= 3 and m >= 100),
        ("growing", lately and m >= 100),
        ("keep", f >= 3 and m >= 100),
        ("rescue", m >= 100),
        ("regular", lately and f >= 3),
        ("recent", lately),
        ("fading", f >= 3),
        ("lost", True),
    )


def churn_risk(day, active, failed):
    silence = day - active[-1]["time"] if active else None
    dates = lambda days: len({bucket(row["time"], "day") for row in within(active, day, days)})
    return first_that_is_true(
        ("inactive", silence is None),
        ("gone", silence and silence > 30 * DAY),
        ("high", silence and silence > 14 * DAY),
        ("medium", (silence and silence > 7 * DAY) or (dates(7) <= 1 and dates(28) >= 6) or len(within(failed, day, 7)) >= 3),
        ("low", True),
    )


# The metrics


def cohorts(world):
    last = world.last(EVENTS)
    signup = Cohort(world.registered, world.active, "day", 90, last)
    week = Cohort(world.registered, world.active, "week", 12, last)
    buyer = Cohort(world.paid, world.paid, "month", 12, world.last(ORDERS))
    worth = signup.ltv(world.paid, 30)

    def worth_for_cost(part):
        # the cost of a new payer, from the query of `cac`
        world.connection.execute(f"SET VARIABLE whole = {str(part == 'total').lower()}")
        rows = world.connection.execute(world.text("cac")).fetchall()
        cost = {(None if part == "total" else time,): value for time, value in rows}
        earned = worth(part)
        return {key: ratio(earned.get(key), cost.get(key)) for key in cost.keys() | earned.keys()}

    return {
        "retention_d1": ("day", signup.retained(1)),
        "retention_d7": ("day", signup.retained(7)),
        "retention_d30": ("day", signup.retained(30)),
        "retention__signup.age": ("day", signup.triangle),
        "weekly_retention__signup_week.age": ("week", week.triangle),
        "retention_w1": ("week", week.retained(1)),
        "monthly_repurchase__buyer.age": ("month", buyer.triangle),
        "repurchase_m1": ("month", buyer.retained(1)),
        "buyer_ltv_6m": ("month", buyer.ltv(world.paid, 6)),
        "ltv_30d": ("day", worth),
        "ltv_90d": ("day", signup.ltv(world.paid, 90)),
        "ltv_90d_discounted": ("day", signup.ltv(world.paid, 90, discount=0.01)),
        "cohort_arpu__signup.age": ("day", signup.per_active(world.paid)),
        "ltv_to_cac": ("month", worth_for_cost),
    }


def lifecycles(world):
    first = min(row["time"] for row in world.active.rows)
    life = Lifecycle(world.active, first, world.last(EVENTS))
    return {
        "new_users": ("day", life.new()),
        "returning_users_7d": ("day", life.returning(7)),
        "returning_users_30d": ("day", life.returning(30)),
        "returning_users_90d": ("day", life.returning(90)),
        "resurrected_users": ("day", life.resurrected(30)),
        "churned_users": ("day", life.churned(30)),
        "churn_14d": ("day", life.churn(14)),
        "churn_30d": ("day", life.churn(30)),
        "weekly_new": ("week", life.new()),
        "weekly_returning": ("week", life.returning(7)),
        "weekly_resurrected": ("week", life.resurrected(7)),
        "weekly_dormant": ("week", life.dormant()),
    }


def funnels(world):
    used = world.query("SELECT *, event_time AS time, event_id AS key, user_id AS member FROM active WHERE event_name = 'feature_invoke'")
    pay = Funnel([world.registered, used, world.paid, world.paid], 30 * DAY, world.last(EVENTS, ORDERS))
    device = "event_time AS time, event_id AS key, device_id AS member"
    touches = [
        world.query(f"SELECT touched_at AS time, touch_id AS key, device_id AS member FROM touches WHERE kind = '{kind}'")
        for kind in ("exposure", "click")
    ]
    events = [
        world.query(f"SELECT {device} FROM registered"),
        world.query(f"SELECT {device} FROM events WHERE event_name = 'pay_success'"),
    ]
    channel = Funnel(touches + events, 14 * DAY, world.last(EVENTS, TOUCHES))
    return {
        "pay_funnel_entered": ("day", pay.reached(0)),
        "pay_funnel_tried": ("day", pay.reached(1)),
        "pay_funnel_paid": ("day", pay.reached(2)),
        "pay_funnel_repeated": ("day", pay.reached(3)),
        "register_to_try": ("day", pay.rate(0, 1)),
        "try_to_pay": ("day", pay.rate(1, 2)),
        "pay_to_repeat": ("day", pay.rate(2, 3)),
        "register_to_pay": ("day", pay.rate(0, 2)),
        "register_to_pay_p50": ("day", pay.median_time(0, 2)),
        "channel_funnel_exposed": ("day", channel.reached(0)),
        "exposure_to_click": ("day", channel.rate(0, 1)),
        "click_to_register": ("day", channel.rate(1, 2)),
        "channel_register_to_pay": ("day", channel.rate(2, 3)),
    }


def conversions(world):
    event = "event_time AS time, event_id AS key, user_id AS member"
    used = world.query(f"SELECT {event} FROM active WHERE event_name = 'feature_invoke'")
    tasks = world.query("SELECT submitted_at AS time, task_id AS key, user_id AS member FROM tasks")
    clicks = world.query(f"SELECT {event} FROM events WHERE event_name = 'click_upgrade'")
    shared = world.query(f"SELECT {event} FROM events WHERE starts_with(event_name, 'share_')")
    logins = world.query(f"SELECT {event} FROM active WHERE event_name = 'login'")
    term = "started_at AS time, term_id AS key, user_id AS member"
    trials = world.query(f"SELECT {term} FROM terms WHERE level = 'trial'")
    firsts = world.query(f"SELECT {term} FROM first_terms")
    upgrade = Conversion(clicks, None, world.last(EVENTS, ORDERS))
    return {
        "use_to_task_rate": ("day", Conversion(used, DAY / 48, world.last(EVENTS, TASKS)).rate(tasks)),
        "upgrade_to_pay_rate": ("day", upgrade.rate(world.paid)),
        "upgrade_gmv": ("day", upgrade.value(world.paid)),
        "share_to_login_rate": ("day", Conversion(shared, DAY, world.last(EVENTS)).rate(logins)),
        "trial_conversion_rate": (
            "month",
            Conversion(trials, 14 * DAY, world.last(("terms", "started_at")), "first").rate(firsts),
        ),
    }


def campaigns(world):
    """By the campaign: what the arms did after the first assignment of each user, once the days for it are over."""
    assigned = world.query("SELECT *, assigned_at AS time, assignment_id AS key, user_id AS member FROM first_assignments").rows
    spent = {row[0]: row[1] for row in world.connection.execute("SELECT campaign_id, sum(cost) FROM marketing GROUP BY 1").fetchall()}
    paid, active = world.paid.by_member(), world.active.by_member()
    last_sale = world.last(("assignments", "assigned_at"), ORDERS)
    last_visit = world.last(("assignments", "assigned_at"), EVENTS)

    def arm_of(campaign, arm):
        rows = [row for row in assigned if row["campaign_id"] == campaign and row["arm"] == arm]
        over = [row for row in rows if row["time"] + 14 * DAY <= last_sale]
        ends = [(row, row["time"] + 14 * DAY) for row in over]
        orders = [[one for one in paid.get(row["member"], []) if row["time"] <= one["time"] <= end] for row, end in ends]
        weeks = [(row["member"], row["time"] + 7 * DAY, row["time"] + 14 * DAY) for row in rows]
        seen = [(member, from_, to) for member, from_, to in weeks if to <= last_visit]
        back = [any(from_ <= one["time"] <= to for one in active.get(member, [])) for member, from_, to in seen]
        count = sum(map(len, orders))
        gmv = sum((one["pay_amount"] for of in orders for one in of), Decimal())
        return {
            "rows": rows,
            "units": len(over),
            "rate": ratio(sum(bool(of) for of in orders), len(over)),
            "gmv": gmv,
            "orders": count,
            "aov": ratio(gmv, count),
            "back": ratio(sum(back), len(back)),
        }

    known = sorted({row["campaign_id"] for row in assigned})
    arms = {one: (arm_of(one, "treatment"), arm_of(one, "control")) for one in known}

    def by_campaign(value, of=known):
        return "total", lambda _: {(None, campaign): value(*arms[campaign]) for campaign in of}

    # campaigns whose users ordered something
    sold = [campaign for campaign, (b, a) in arms.items() if a["orders"] or b["orders"]]

    def uplift(part, of=known):
        def value(b, a):
            quotient = ratio(b[part], a[part])
            return None if quotient is None else quotient - 1

        return by_campaign(value, of)

    def extra(b, a):
        scale = ratio(b["units"], a["units"])
        return None if scale is None else float(b["gmv"]) - float(a["gmv"]) * scale

    def roi(_):
        gained = {campaign: extra(*of) for campaign, of in arms.items()}
        found = {}
        for campaign in gained.keys() | spent.keys():
            gain, cost = gained.get(campaign), spent.get(campaign)
            found[(None, campaign)] = None if gain is None or cost is None else ratio(gain - float(cost), cost)
        return found

    joined = lambda rows: sum(row["joined_at"] is not None for row in rows)
    return {
        "campaign_users__campaign": by_campaign(lambda b, a: a["units"] + b["units"]),
        "participation_rate__campaign": by_campaign(lambda b, _: ratio(joined(b["rows"]), len(b["rows"]))),
        "campaign_conversion_rate__campaign": by_campaign(lambda b, _: b["rate"]),
        "campaign_conversion_uplift__campaign": uplift("rate"),
        "campaign_aov__campaign": by_campaign(lambda b, a: ratio(a["gmv"] + b["gmv"], a["orders"] + b["orders"]), sold),
        "aov_uplift__campaign": uplift("aov", sold),
        "retention_uplift__campaign": uplift("back"),
        "incremental_gmv__campaign": by_campaign(extra),
        "campaign_roi__campaign": ("total", roi),
    }


def attributions(world):
    touches = world.query(
        "SELECT *, touched_at AS time, touch_id AS key, user_id AS member FROM touches WHERE kind IN ('exposure', 'click')"
    )
    orders = Attribution(world.paid, touches, 30 * DAY)

    def roas(part):
        earned = orders.total("last")(part)
        spent = collections.defaultdict(Decimal)
        for time, cost in world.connection.execute("SELECT reported_at, cost FROM marketing").fetchall():
            spent[(bucket(time, part),)] += cost
        return {key: ratio(earned.get(key, 0), spent.get(key)) for key in earned.keys() | spent.keys()}

    return {
        "attributed_gmv__channel__order_source.model": ("day", orders.value()),
        "gmv_first_touch": ("day", orders.total("first")),
        "gmv_first_touch__channel": ("day", orders.value("first")),
        "gmv_last_touch": ("day", orders.total("last")),
        "gmv_last_touch__channel": ("day", orders.value("last")),
        "gmv_linear": ("day", orders.total("linear")),
        "gmv_linear__channel": ("day", orders.value("linear")),
        "gmv_time_decay": ("day", orders.total("time_decay")),
        "gmv_time_decay__channel": ("day", orders.value("time_decay")),
        "roas": ("month", roas),
    }


def paths(world):
    steps = world.query(
        """SELECT e.event_time AS time, e.event_id AS key, e.user_id AS member, e.event_name AS step
           FROM events e LEFT JOIN users u ON u.user_id = e.user_id
           WHERE e.event_name <> 'page_leave' AND NOT coalesce(u.is_abnormal, false)
           UNION ALL
           SELECT finished_at, task_id, user_id, 'task_' || status FROM tasks
           WHERE status IN ('success', 'failed') AND finished_at IS NOT NULL"""
    )
    ways = Paths(steps, DAY / 48, 8, "task_success")
    ends = lambda steps, outcome: [(steps[-1],)] if outcome == "dropoff" else []
    return {
        "path_edges": ("day", ways.count(lambda steps, _: [()] * (len(steps) - 1))),
        "path_edges__user_path.from": ("day", ways.count(lambda steps, _: [(step,) for step in steps[:-1]])),
        "path_sessions": ("day", ways.count(lambda *_: [()])),
        "path_sessions__user_path.path": ("day", ways.count(lambda steps, _: [(" > ".join(steps),)])),
        "path_success_rate": ("day", ways.rate),
        "shortest_success_path": ("day", ways.shortest),
        "path_dropoff__user_path.node": ("day", ways.count(ends)),
        "path_dropoff_rate__user_path.node": ("day", ways.dropoff_rate),
    }


def segments(world):
    by_rfm = Segment(world, [world.paid], rfm)
    failed = world.query("SELECT submitted_at AS time, task_id AS key, user_id AS member FROM tasks WHERE status = 'failed'")
    by_risk = Segment(world, [world.active, failed], churn_risk)
    members = set(by_rfm.members)

    def class_of(row):
        return by_rfm.of(row["member"], bucket(row["time"], "day")) if row["member"] in members else "none"

    def dau(part):
        found = collections.defaultdict(set)
        for row in world.active.rows:
            if row["member"] is not None:
                found[(bucket(row["time"], part), class_of(row))].add(row["member"])
        return {key: len(of) for key, of in found.items()}

    def gmv(part):
        found = collections.defaultdict(Decimal)
        for row in world.paid.rows:
            found[(bucket(row["time"], part), class_of(row))] += row["pay_amount"]
        return dict(found)

    def champions(part):
        found = gmv(part)
        whole = collections.defaultdict(Decimal)
        for (at, _), amount in found.items():
            whole[(at,)] += amount
        return {key: ratio(found.get((*key, "champion"), 0), amount) for key, amount in whole.items()}

    return {
        "rfm_users__rfm.class": ("month", by_rfm.count),
        "churn_risk_users": ("week", lambda part: by_risk.count(part, "high")),
        "churn_risk_classes__churn_risk.class": ("week", by_risk.count),
        "segment_dau__rfm_class": ("day", dau),
        "segment_gmv__rfm_class": ("day", gmv),
        "champion_gmv_share": ("day", champions),
    }


def experiments(world):
    exposures = world.query(
        "SELECT *, exposed_at AS time, exposure_id AS key, user_id AS member FROM exposures WHERE experiment = 'new_cutout'"
    )
    tasks = world.query("SELECT *, submitted_at AS time, task_id AS key, user_id AS member FROM tasks")
    cutout = Experiment(exposures, 14 * DAY, world.last(("exposures", "exposed_at"), ORDERS, TASKS))
    spent = cutout.measure(world.paid, lambda rows: sum(row["pay_amount"] for row in rows))
    paying = cutout.measure(world.paid, bool)
    tried = cutout.measure(tasks, len)
    done = cutout.measure(tasks, lambda rows: sum(row["status"] == "success" for row in rows))
    counts = cutout.counts()
    lift, better = Compared(cutout, spent), Compared(cutout, done, tried)
    assigned = world.query(
        """SELECT assigned_at AS time, assignment_id AS key, user_id AS member, arm AS variant
           FROM assignments WHERE campaign_id = 'cmp_recall_10'"""
    )
    recall = Experiment(assigned, 14 * DAY, world.last(("assignments", "assigned_at"), ORDERS))
    earned = recall.measure(world.paid, lambda rows: sum(row["pay_amount"] for row in rows))
    arms = ("control", "treatment")
    expected, probability = Compared(recall, earned, arms=arms, cuped=False).believed(0.2)
    against_control = lambda value: ("total", lambda _: {(None, arms[0]): None, (None, arms[1]): value})
    variants = lambda of: ("total", lambda _: {(None, variant): of(variant) for variant in sorted(counts)})
    mean = lambda measured: variants(lambda v: ratio(sum(y for y, _ in cutout.of(v, measured)), counts[v]))
    against = lambda value: variants(lambda v: value if v == "b" else None)
    quotient = lambda v: ratio(sum(y for y, _ in cutout.of(v, done)), sum(y for y, _ in cutout.of(v, tried)))
    return {
        "cutout_units__new_cutout.variant": variants(lambda v: counts[v]),
        "cutout_excluded__new_cutout.variant": ("total", lambda _: {(None, v): n for v, n in cutout.excluded.items()}),
        "cutout_sample_ratio": ("total", lambda _: {(None,): cutout.sample_ratio()}),
        "cutout_gmv__new_cutout.variant": mean(spent),
        "cutout_paying__new_cutout.variant": mean(paying),
        "cutout_success_rate__new_cutout.variant": variants(quotient),
        "cutout_gmv_lift__new_cutout.variant": against(lift.difference),
        "cutout_gmv_lift_low__new_cutout.variant": against(lift.difference - Z95 * lift.error),
        "cutout_gmv_lift_high__new_cutout.variant": against(lift.difference + Z95 * lift.error),
        "cutout_gmv_p__new_cutout.variant": against(lift.p_value()),
        "cutout_success_lift__new_cutout.variant": against(better.difference),
        "cutout_success_p__new_cutout.variant": against(better.p_value()),
        "recall_gmv_expected__recall_effect.variant": against_control(expected),
        "recall_gmv_probability__recall_effect.variant": against_control(probability),
    }


ALL = (cohorts, lifecycles, funnels, conversions, campaigns, attributions, paths, segments, experiments)

# What the whole of all buckets has no value for, or another one than its words say.
NOT_IN_TOTAL = (lifecycles, funnels, conversions, segments)


def answers(connection, text):
    """All answers by the metric's name: the rows by buckets, and those of the total. `text` gives a query by its name."""
    world = World(connection)
    world.text = text
    found = {}
    for topic in ALL:
        for name, (part, metric) in topic(world).items():
            bucketed = part != "total"
            rows = [[*(key if bucketed else key[1:]), value] for key, value in metric(part).items()]
            found[name] = {"bucketed": bucketed, "rows": rows}
            if bucketed and topic not in NOT_IN_TOTAL:
                # without dimensions there is always one row
                total = metric("total") or ({} if "__" in name else {(None,): None})
                found[name]["total"] = [[*key[1:], value] for key, value in total.items()]
    return found
