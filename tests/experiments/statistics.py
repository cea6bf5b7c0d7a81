"""What an independent package of statistics says of units: a list of JSON objects in, one of as many out.

In: the settings of an experiment, and its units with what was measured of each. Out: the columns by variant; null where nothing is known.
"""

import json
import math
import sys
import warnings

import numpy as np
import statsmodels.api as sm
from scipy import optimize, stats
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

ROUNDING = 1e-12


def linear(y, d):
    """The number of each unit that varies as the mean, or the quotient of the means, does; none where there is no such."""
    if d is None:
        return y
    if len(d) == 0 or d.sum() == 0:
        return None
    return (y - y.sum() / d.sum() * d) / d.mean()


def mean(y, d):
    if len(y) == 0 or (d is not None and d.sum() == 0):
        return None
    return y.mean() if d is None else y.sum() / d.sum()


def spread(y, d):
    z = linear(y, d)
    if z is None or len(z) < 2:
        return None
    found = z.var(ddof=1)
    limit = 0.0 if d is None else ROUNDING * y.var(ddof=1) / d.mean() ** 2
    return 0.0 if found <= limit else found


def columns(rows):
    take = lambda key: np.array([row[key] for row in rows], dtype=float)
    ratio = bool(rows) and rows[0]["d"] is not None
    return take("y"), take("d") if ratio else None, take("x"), take("xd") if ratio else None


def slope(everybody):
    y, d, x, xd = columns(everybody)
    z, before = linear(y, d), linear(x, xd)
    if z is None or before is None or len(z) < 2 or np.ptp(before) == 0:
        return 0.0
    return sm.OLS(z, sm.add_constant(before)).fit().params[1]


def adjusted(case, group, everybody):
    """The estimate of a group, and the variance of its error."""
    if not group:
        return None, None
    y, d, x, xd = columns(group)
    value, var = mean(y, d), spread(y, d)
    if case["cuped"] and value is not None:
        theta = slope(everybody)
        before = linear(x, xd)
        of_all = mean(*columns(everybody)[2:])
        if before is not None and of_all is not None:
            value -= theta * (mean(x, xd) - of_all)
        if before is not None and var is not None:
            left = (linear(y, d) - theta * before).var(ddof=1)
            var = 0.0 if left <= ROUNDING * var else left
    return value, None if var is None else var / len(group)


def estimate(case, group, everybody):
    if not case["strata"]:
        return adjusted(case, group, everybody)
    value, error, n = 0.0, 0.0, len(everybody)
    for stratum in {row["stratum"] for row in everybody}:
        own = [row for row in group if row["stratum"] == stratum]
        peers = [row for row in everybody if row["stratum"] == stratum]
        of, var = adjusted(case, own, peers)
        if of is None or var is None:
            return None, None
        value += len(peers) / n * of
        error += (len(peers) / n) ** 2 * var
    return value, error


def difference(case, own, control):
    (m, v), (c, w) = own, control
    if m is None or c is None:
        return None, None
    if not case["relative"]:
        return m - c, None if v is None or w is None else v + w
    if c == 0:
        return None, None
    return (m - c) / c, None if v is None or w is None else v / c**2 + m**2 / c**4 * w


def frequentist(case, d, v, down):
    if d is None or v is None:
        return {"p_value": None, "lower": None, "upper": None}
    se, alpha = math.sqrt(v), case["alpha"]
    if case["two"]:
        z = stats.norm.ppf(1 - alpha / 2)
        p = None if se == 0 else 2 * stats.norm.sf(abs(d / se))
        return {"p_value": p, "lower": d - z * se, "upper": d + z * se}
    z = stats.norm.ppf(1 - alpha)
    p = None if se == 0 else (stats.norm.cdf(d / se) if down else stats.norm.sf(d / se))
    return {"p_value": p, "lower": None if down else d - z * se, "upper": d + z * se if down else None}


def sequential(case, d, v):
    if d is None or not v:
        return {"p_value": None, "lower": None, "upper": None}
    tau = case["prior"][1]
    log_ratio = lambda x: stats.norm.logpdf(x, 0, math.sqrt(v + tau**2)) - stats.norm.logpdf(x, 0, math.sqrt(v))
    far = lambda x: log_ratio(x) + math.log(case["alpha"])
    reach = 1.0
    while far(reach) < 0:
        reach *= 2
    half = optimize.brentq(far, 0, reach, xtol=1e-14, rtol=1e-14)
    return {"p_value": min(1.0, math.exp(-log_ratio(d))), "lower": d - half, "upper": d + half}


def bayesian(case, d, v, down):
    if d is None or v is None:
        return {"expected": None, "probability": None, "lower": None, "upper": None}
    centre, var = d, v
    if case["prior"]:
        mu, tau = case["prior"]
        if v == 0:
            centre = d
        else:
            weights = np.array([1 / tau**2, 1 / v])
            centre, var = np.average([mu, d], weights=weights), 1 / weights.sum()
    se = math.sqrt(var)
    if se == 0:
        return {"expected": centre, "probability": None, "lower": centre, "upper": centre}
    posterior = stats.norm(centre, se)
    better = posterior.cdf(0) if down else posterior.sf(0)
    low, high = posterior.interval(1 - case["alpha"])
    return {"expected": centre, "probability": better, "lower": low, "upper": high}


def sample_ratio(case, counts):
    if case["split"]:
        observed = np.array([counts.get(name, 0) for name, _ in case["split"]])
        shares = np.array([share for _, share in case["split"]])
    else:
        observed = np.array(list(counts.values()))
        shares = np.full(len(observed), 1 / max(len(observed), 1))
    if len(observed) < 2 or observed.sum() == 0:
        return None
    return stats.chisquare(observed, observed.sum() * shares).pvalue


def check_against_package(case, found, group, control):
    """Where the package has the whole test, it says the same."""
    plain = not case["cuped"] and not case["strata"] and not case["relative"] and case["two"]
    if not plain or found["p_value"] is None or columns(group)[1] is not None:
        return
    both = CompareMeans(DescrStatsW(columns(group)[0]), DescrStatsW(columns(control)[0]))
    _, p = both.ztest_ind(usevar="unequal")
    low, high = both.zconfint_diff(case["alpha"], usevar="unequal")
    assert np.allclose([p, low, high], [found["p_value"], found["lower"], found["upper"]], rtol=1e-9, atol=1e-12)


def told(case):
    counted = [row for row in case["units"] if not row["crossed"]]
    groups = {}
    for row in counted:
        groups.setdefault(row["variant"], []).append(row)
    control = groups.get("a", [])
    ratio = sample_ratio(case, {name: len(group) for name, group in groups.items()})
    answer = {}
    for name, group in groups.items():
        y, d, _, _ = columns(group)
        own = estimate(case, group, counted)
        row = {"units": len(group), "sample_ratio": ratio, "mean": mean(y, d), "variance": spread(y, d)}
        row["adjusted"] = own[0]
        if name == "a":
            rest = ["difference", "lower", "upper", "p_value", "expected", "probability"]
            row |= {column: None for column in rest}
        else:
            d, v = difference(case, own, estimate(case, control, counted))
            row["difference"] = d
            if case["method"] == "frequentist":
                row |= frequentist(case, d, v, case["down"])
                check_against_package(case, row, group, control)
            elif case["method"] == "sequential":
                row |= sequential(case, d, v)
            else:
                row |= bayesian(case, d, v, case["down"])
        answer[name] = row
    return answer


def main():
    warnings.simplefilter("ignore")
    print(json.dumps([told(case) for case in json.load(sys.stdin)]))


if __name__ == "__main__":
    main()
