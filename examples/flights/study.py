"""The numbers behind loop.yaml and README.md, computed offline from the same flights. Nothing runs it by itself.

    .venv/bin/python examples/flights/study.py [--sample 15]
"""

import argparse
import itertools
import os
import warnings

import numpy as np
import pandas as pd
from sklearn.metrics import log_loss, roc_auc_score

import train

FLIGHTS = os.path.join(os.path.dirname(__file__), "../../node_modules/vega-datasets/data/flights-3m.parquet")
MONTH_STARTS = [0, 31, 59, 90, 120, 151, 181]  # days since 1 January 2001
NAMES = "Feb Mar Apr May Jun".split()


def loss(y, p):
    p = np.clip(p, 1e-15, 1 - 1e-15)
    return -(y * np.log(p) + (1 - y) * np.log(1 - p))


class Flights:
    """The sampled rows in order of scheduled departure, with the features of train.py."""

    def __init__(self, sample):
        f = pd.read_parquet(FLIGHTS)
        f = f[np.arange(len(f)) % sample == 0]
        scheduled = f.date - pd.to_timedelta(f.delay.clip(lower=0), unit="min")
        rows = pd.DataFrame(
            {
                "t": scheduled,
                "hour": scheduled.dt.hour,
                "weekday": scheduled.dt.dayofweek + 1,
                "origin": f.origin.astype(str),
                "destination": f.destination.astype(str),
                "distance": f.distance,
                "late": (f.delay > 15).astype(int),
            }
        )
        rows = rows[rows.t >= "2001-01-01"].sort_values("t", kind="stable").reset_index(drop=True)
        self.X, self.y = rows[train.FEATURES], rows.late.to_numpy()
        self.day = (rows.t - pd.Timestamp("2001-01-01")).dt.days.to_numpy()
        self.month = rows.t.dt.month.to_numpy()
        self.scores = {}

    def between(self, start, end):
        return (self.day >= start) & (self.day < end)

    def trained(self, start, end, **params):
        """Scores for all rows of a model trained on the days [start, end)."""
        key = (start, end, *params.items())
        if key not in self.scores:
            rows = self.between(start, end)
            model = train.build_model(**params).fit(self.X[rows], self.y[rows])
            self.scores[key] = model.predict_proba(self.X)[:, 1]
        return self.scores[key]


def leakage():
    """How much each reading of the column `date` says about the label, by hour and by minute of the hour alone."""
    f = pd.read_parquet(FLIGHTS)
    late = (f.delay > 15).to_numpy()
    readings = {
        "date as it is (actual departure)": f.date,
        "date - delay": f.date - pd.to_timedelta(f.delay, unit="min"),
        "date - max(delay, 0)  (used)": f.date - pd.to_timedelta(f.delay.clip(lower=0), unit="min"),
    }
    print("\n## Which time is `date`?\n\n| reading | minutes that are multiples of 5 | AUC of the hour | AUC of the minute | late, 2 to 4 h |")
    print("|---|---|---|---|---|")
    for name, t in readings.items():
        def auc(part):
            rate = pd.Series(late).groupby(part.to_numpy()).transform("mean")
            return roc_auc_score(late, rate)
        night = late[t.dt.hour.isin([2, 3]).to_numpy()].mean()
        print(f"| {name} | {(t.dt.minute % 5 == 0).mean():.3f} | {auc(t.dt.hour):.3f} | {auc(t.dt.minute):.3f} | {night:.2f} |")


def by_month(flights, p):
    months = [(log_loss(flights.y[r], p[r]), roc_auc_score(flights.y[r], p[r])) for r in (flights.month == m for m in range(2, 7))]
    rows = flights.month > 1
    return months, log_loss(flights.y[rows], p[rows]), roc_auc_score(flights.y[rows], p[rows])


def against(flights, p, q, repeats=2000):
    """95 % interval of the mean difference in log loss p - q; whole days are drawn, because days share their weather."""
    rows = flights.month > 1
    difference = loss(flights.y[rows], p[rows]) - loss(flights.y[rows], q[rows])
    sums = np.bincount(flights.day[rows], difference)[31:]
    counts = np.bincount(flights.day[rows])[31:]
    pick = np.random.default_rng(1).integers(0, len(sums), (repeats, len(sums)))
    return np.quantile(sums[pick].sum(1) / counts[pick].sum(1), [0.025, 0.975])


def looped(flights, window=180, holdout=0.2, cooldown=21, rollout=6, margin=0.002, refit=False):
    """The loop's policy: performance or the first of the month starts a turn; what is shown on the hold-out not to be
    worse by more than the margin (the whole 95 % interval of the paired difference) is promoted, with `refit` trained once
    more on all rows, the hold-out too. What was judged stays what the next one is judged beside, and what is expected."""
    y, judged = flights.y, flights.trained(0, 25)
    champion = flights.trained(0, 31) if refit else judged
    def reference(rows, p):
        losses = loss(y[rows], p[rows])
        return losses.mean(), losses.std() / np.sqrt(len(losses))
    expected = reference(flights.between(25, 31), judged)
    answered, turns, worse = champion.copy(), [], []
    last, since, busy = -99, 31, 0
    for today in range(32, 181):
        cause = "schedule" if today in MONTH_STARTS else None
        if today > since and (today - since) % 7 == 0:
            mean, se = reference(flights.between(today - 7, today), champion)
            worse.append(mean - expected[0] > 1.96 * np.hypot(se, expected[1]))
            cause = "performance" if sum(worse[-3:]) >= 2 else cause
        if cause is None or today < last + cooldown or today < busy:
            continue
        last, end = today, today - 1
        start = max(0, end - window)
        cut = end - round((end - start) * holdout)
        candidate, rows = flights.trained(start, cut), flights.between(cut, end)
        differences = loss(y[rows], candidate[rows]) - loss(y[rows], judged[rows])
        high = differences.mean() + 1.96 * differences.std() / np.sqrt(len(differences))
        turns.append((today, cause, differences.mean(), high < margin))
        if high < margin:
            judged, busy, since, worse = candidate, today + rollout, today + rollout, []
            champion = flights.trained(start, end) if refit else judged
            expected = reference(rows, judged)
            answered[flights.day >= busy] = champion[flights.day >= busy]
    return answered, turns


def policies(flights):
    never = flights.trained(0, 25)
    blind, everything = never.copy(), never.copy()
    for m in range(3, 7):
        rows = flights.month == m
        blind[rows] = flights.trained(MONTH_STARTS[m - 2], MONTH_STARTS[m - 1])[rows]
        everything[rows] = flights.trained(0, MONTH_STARTS[m - 1])[rows]
    run, turns = looped(flights)
    refitted, refitted_turns = looped(flights, refit=True)
    lines = {
        "never retrained": (never, 1),
        "never retrained, refitted on all of January": (flights.trained(0, 31), 2),
        "monthly on the month before, unjudged": (blind, 5),
        "monthly on everything so far, unjudged": (everything, 5),
        "run by the loop, refit: false": (run, 1 + len(turns)),
        "run by the loop, refit: true": (refitted, 2 + len(refitted_turns) + sum(ok for *_, ok in refitted_turns)),
    }
    print("\n## Policies, log loss / AUC by month\n\n| policy | " + " | ".join(NAMES) + " | all | against never (95 %) | trainings |")
    print("|---|" + "---|" * 8)
    for name, (p, trainings) in lines.items():
        months, total, auc = by_month(flights, p)
        low, high = against(flights, p, never)
        cells = " | ".join(f"{a:.4f} / {b:.3f}" for a, b in months)
        print(f"| {name} | {cells} | {total:.4f} / {auc:.3f} | {low:+.4f} to {high:+.4f} | {trainings} |")
    comparisons = {
        "loop without refit against monthly on the month before": (run, blind),
        "loop with refit against monthly on the month before": (refitted, blind),
        "loop with refit against never, refitted on all of January": (refitted, flights.trained(0, 31)),
        "loop with refit against the loop without": (refitted, run),
        "loop with refit against monthly on everything so far": (refitted, everything),
    }
    print("\n95 % intervals, below 0 is better:\n")
    for name, (p, q) in comparisons.items():
        low, high = against(flights, p, q)
        print(f"- {name}: {low:+.4f} to {high:+.4f}")
    for name, made in {"refit: false": turns, "refit: true": refitted_turns}.items():
        steps = ", ".join(f"{d} {c} {x:+.4f}{' promoted' * bool(ok)}" for d, c, x, ok in made)
        print(f"\nTurns with {name} (day, cause, difference on the hold-out): {steps}")
    print()
    for rollout in (3, 6, 10):
        p, t = looped(flights, rollout=rollout, refit=True)
        _, total, auc = by_month(flights, p)
        print(f"Refit, {rollout} days to promotion: {total:.4f} / {auc:.3f}, {sum(ok for *_, ok in t)} of {len(t)} promoted")
    for refit, margin in ((refit, margin) for refit in (False, True) for margin in (0, 0.001, 0.005, 1)):
        p, t = looped(flights, margin=margin, refit=refit)
        _, total, auc = by_month(flights, p)
        print(f"Margin {margin}{', refit' * refit}: {total:.4f} / {auc:.3f}, {1 + sum(ok for *_, ok in t)} of {1 + len(t)} promoted")
    print("\nOther settings of the loop, without refit and with it:\n\n| refit | window | hold-out | cool-down | log loss | AUC | turns | promoted |\n|---|---|---|---|---|---|---|---|")
    for refit, window, holdout, cooldown in itertools.product((False, True), (30, 60, 90, 180), (0.1, 0.2), (14, 21, 28)):
        p, t = looped(flights, window, holdout, cooldown, refit=refit)
        _, total, auc = by_month(flights, p)
        promoted = sum(ok for *_, ok in t)
        print(f"| {refit} | {window} d | {holdout} | {cooldown} d | {total:.4f} | {auc:.3f} | {len(t)} | {promoted} |")


def bound(differences, alpha=0.05, tuned_for=200):
    """Lower and upper end, after each pair, of the anytime-valid interval of the mean (Howard et al. 2021, normal mixture)."""
    n = np.arange(1, len(differences) + 1)
    mean = np.cumsum(differences) / n
    variance = np.maximum(np.cumsum(differences**2) / n - mean**2, 1e-12) * n
    rho = np.median(variance / n) * tuned_for / (2 * np.log(1 / alpha) + np.log(1 + 2 * np.log(1 / alpha)))
    width = np.sqrt((variance + rho) * np.log((variance + rho) / (rho * alpha**2))) / n
    return mean - width, mean + width


def bad_candidates(flights):
    """Trained at day t on the 30 days before; judged on their last 20 %; then met by real flights."""
    y = flights.y
    print("\n## Bad candidates\n\n| candidate | day | own hold-out: candidate | champion, same rows | online: candidate | champion | pairs until shown worse: median of 200 orders (worst) |")
    print("|---|---|---|---|---|---|---|")
    wrongs = {
        "labels shuffled": lambda x: x,
        "hours of a 12-hour clock": lambda x: x.assign(hour=x.hour % 12),
        "hours in UTC (+6)": lambda x: x.assign(hour=(x.hour + 6) % 24),
        "distance in km": lambda x: x.assign(distance=x.distance * 1.609),
    }
    champion = flights.trained(0, 25)
    for name, wrong in wrongs.items():
        for today in (75, 105, 135):
            fit, held, online = flights.between(today - 30, today - 6), flights.between(today - 6, today), flights.between(today, today + 14)
            labels = y[fit]
            if name == "labels shuffled":
                labels = train.permuted(pd.Series(labels), 1.0, 0)
            model = train.build_model().fit(wrong(flights.X[fit]), labels)
            champion_model = train.build_model().fit(flights.X[flights.between(0, 25)], y[flights.between(0, 25)])
            own = log_loss(y[held], model.predict_proba(wrong(flights.X[held]))[:, 1])
            theirs = log_loss(y[held], champion_model.predict_proba(wrong(flights.X[held]))[:, 1])
            p = model.predict_proba(flights.X[online])[:, 1]
            differences = loss(y[online], p) - loss(y[online], champion[online])
            needed = []
            for seed in range(200):
                low, _ = bound(np.random.default_rng(seed).permutation(differences))
                hit = np.flatnonzero((low > 0) & (np.arange(len(low)) >= 20))
                needed.append(hit[0] + 1 if len(hit) else np.inf)
            print(
                f"| {name} | {today} | {own:.4f} | {theirs:.4f} | {loss(y[online], p).mean():.4f} | "
                f"{loss(y[online], champion[online]).mean():.4f} | {np.median(needed):.0f} ({np.max(needed):.0f}) |"
            )


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sample", type=int, default=15, help="every n-th flight, as in the demo")
    args = parser.parse_args()
    leakage()
    flights = Flights(args.sample)
    print(f"\nEvery {args.sample}th flight: {len(flights.y)} rows, {(flights.month == 1).sum()} of them in January.")
    policies(flights)
    bad_candidates(flights)
