# ---
# jupyter:
#   labs:
#     title: "Loss functions and how to watch them"
#     question: What is a model trying to minimise, and how do I see it in production?
#     part: 2
#     will:
#       - find by plot and by descent what each loss makes of the same data
#       - turn two prices into a loss, and cut the bill for replicas with it
#       - put one decorator around `predict`, scrape it, and read error ratio and p95 off the page
#       - find why a dashboard stays green while one call in twelve hangs, and repair it
#     need: Python functions, and what a quantile is (the p95 is one). Lesson 201 helps.
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# ## The bridge
#
# You know objectives: *95 % of the answers within 300 ms*. Whoever writes that line decides what a team will work on, and
# what it will let slide. A **loss function** is that line for a model: one number for all its misses. Training looks at
# nothing else, so the model becomes good at exactly what the loss charges for.
#
# The likeness ends in two places. An objective is met or not; a loss is graded, so that each small step towards better
# is seen and can be walked. And your objective is on a dashboard, while a loss is usually gone when training ends.
# Here it gets its own metric.

# %% tags=["parameters"]
SEED = 0

# %% [markdown]
# ## See it: one number of replicas
#
# The service again, Monday to Friday, with flash crowds. A replica is to take 10 requests per second, 75 % of what it
# can; so the traffic of each minute says how many replicas were **needed**. There is no autoscaler yet. A team books one
# number for all day. Which? (The code of the pictures is there to be run; you need not read it.)

# %% tags=["setup"]
import contextlib
import inspect
import logging
import sys
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from labsupport import plots
from labsupport.exercises import check, claim, hint, quiz, solution, use

plots.use_style()

# %%
from labsupport.world import Service, Traffic, flash_crowds

traffic = Traffic().with_bursts(*flash_crowds(5, per_day=2, seed=SEED))
telemetry = Service(replicas=8, traffic=traffic).run(days=5, seed=SEED).telemetry
need = (telemetry.requests_per_s / 10).to_numpy()
past, future = need[: 3 * 1440], need[3 * 1440 :]
print(
    f"Needed on Monday to Wednesday, in {len(past)} minutes: {past.min():.1f} to {past.max():.1f} replicas."
)

# %%
figure, axes = plt.subplots(figsize=(6.6, 2.3))
five = telemetry.assign(need=need).groupby(telemetry.time.dt.floor("30min")).need.max()
axes.plot(np.arange(len(five)) / 2, five, color=plots.INK, linewidth=1, label="needed")
bookings = {
    "the mean": past.mean(),
    "90 % of the minutes": np.quantile(past, 0.9),
    "every minute": past.max(),
}
for (name, booking), color in zip(
    bookings.items(), (plots.BLUE, plots.ORANGE, plots.GREEN), strict=True
):
    axes.hlines(booking, 0, 120, color=color, label=f"enough for {name}")
axes.axvspan(72, 120, color="#eeeeee", zorder=0)
axes.set(
    title="Three bookings from three days (the grey days come later)",
    xlabel="hours since Monday 00:00",
    ylabel="replicas",
    ylim=(0, 1.45 * five.max()),
)
axes.legend(ncols=2, loc="upper center", fontsize=8.5)
plots.show(
    figure,
    alt="A wave with five peaks and some spikes, and three level lines: through its middle, near its peaks, and at the highest spike.",
    summary="Enough for "
    + ", ".join(f"{name}: {booking:.1f} replicas" for name, booking in bookings.items())
    + ".",
)

# %% [markdown]
# ## Build it: a loss over one number
#
# This is the smallest model there is: it says the same number every minute. Training means to choose the number. Lesson
# 201 ended with a question: is one miss of 20 worse than twenty misses of 1? That is for the loss to say.


# %%
def squared(came, said):
    return np.mean((said - came) ** 2)


def absolute(came, said):
    return np.mean(np.abs(said - came))


one_of_20 = np.array([20.0] + 19 * [0.0])
twenty_of_1 = np.ones(20)
for loss in (squared, absolute):
    print(
        f"{loss.__name__:<9} one miss of 20: {loss(one_of_20, 0):4.1f}   twenty of 1: {loss(twenty_of_1, 0):.1f}"
    )

# %% [markdown]
# To the squared loss the one is twenty times worse, to the absolute one they are equal. Both think that too many is as
# bad as too few. Our bill does not: an idle replica costs 0.10 € an hour, a missing one turns customers away and costs
# 0.90 €.
#
# The **pinball loss** has a price for each side. With the quantile `q` = 0.9:
#
# - too low by 1 costs `q`, that is 0.9;
# - too high by 1 costs `1 - q`, that is 0.1;
# - twice the miss costs twice as much.

# %% [markdown]
# **Exercise 202.1 (5 minutes).** Write it, as the mean over all answers.


# %% tags=["exercise"] exercise="202.1"
def pinball(came, said, q):
    """Return the mean pinball loss. `came` (n,): what was needed; `said`: array (n,) or one number; `q`: 0 to 1."""
    ### BEGIN SOLUTION
    short = came - said
    return np.mean(np.where(short > 0, q * short, (q - 1) * short))
    ### END SOLUTION


# %%
check("202.1", pinball)

# %% [markdown]
# Now try every booking from 2 to 9 replicas on the first three days, and look at the loss as a landscape over one number.
# Each curve is divided by its own lowest point, because the units differ.

# %%
pinball = use("202.1", pinball)
losses = {
    "squared": squared,
    "absolute": absolute,
    "pinball 0.9": lambda came, said: pinball(came, said, 0.9),
}
tried = np.linspace(2, 9, 701)
figure, axes = plt.subplots(figsize=(6.2, 2.3))
lowest = {}
for name, loss in losses.items():
    heights = np.array([loss(past, booking) for booking in tried])
    lowest[name] = tried[heights.argmin()]
    (line,) = axes.plot(tried, heights / heights.min(), label=name)
    axes.plot(lowest[name], 1, "o", color=line.get_color())
axes.set(
    title="The same three days, seen by three losses",
    xlabel="booking (replicas)",
    ylabel="loss (1 is its lowest)",
    ylim=(0.8, 5),
)
axes.legend(loc="upper center")
plots.show(
    figure,
    alt="Three valleys over the booking. Squared and absolute have their floor at about 4 replicas, the pinball's lies well to the right and rises steeply to its left.",
    summary="Lowest at: "
    + ", ".join(f"{name} {place:.2f}" for name, place in lowest.items())
    + " replicas.",
)
known = {
    "mean": past.mean(),
    "median": np.median(past),
    "90 % quantile": np.quantile(past, 0.9),
}
print("In the data: " + ", ".join(f"{name} {value:.2f}" for name, value in known.items()))
claim(
    "the lowest points are the mean, the median and the quantile, to 0.01 replicas",
    np.allclose(list(lowest.values()), list(known.values()), atol=0.0101),
)

# %% [markdown]
# So a loss *is* a choice of statistic. Who minimises the squared loss asks for the mean, even if nobody wanted a mean.
#
# ### Downhill, by the gradient
#
# A model with many numbers can't be plotted. It feels the slope where it stands, as in lesson 201. `labsupport.ml.losses`
# has each loss with its gradient: how the mean loss changes for each unit by which one answer is raised.

# %%
from labsupport.ml.losses import AbsoluteError, LogLoss, PinballLoss, SquaredError

for kind in (SquaredError, AbsoluteError, PinballLoss):
    print(f"{kind.__name__}:", inspect.getdoc(kind.gradient))

# %% [markdown]
# Read that as a tug-of-war over the booking. For the squared loss every minute pulls with the length of its miss: they
# balance at the mean. For the absolute loss every minute pulls alike: as many below as above, the median. For the pinball
# loss a minute above pulls up with 0.9, a minute below pulls down with 0.1: balance needs nine below for each above.


# %%
def walk(loss, came, start, step=0.5, steps=400):
    """Walk to the constant with the smallest loss."""
    here = start
    for _ in range(steps):
        here -= step * loss.gradient(came, np.full(len(came), here)).sum()
    return here


rush = (past > 5).astype(float)
found = {}
print(f"{'':<16}{'by descent':>12}{'by statistic':>14}")
for loss, came, start, step, statistic in (
    (SquaredError(), past, 9.0, 0.1, past.mean()),
    (AbsoluteError(), past, 9.0, 0.5, np.median(past)),
    (PinballLoss(0.9), past, 2.0, 0.5, np.quantile(past, 0.9)),
    (LogLoss(), rush, 0.5, 0.05, rush.mean()),
):
    found[loss.name] = walk(loss, came, start, step) - statistic
    print(f"{loss.name:<16}{found[loss.name] + statistic:>12.3f}{statistic:>14.3f}")
claim(
    "all four descents end at the statistic, to 0.01",
    max(map(abs, found.values())) < 0.01,
)

# %% [markdown]
# The last row is for probabilities: the chance that a minute needs more than 5 replicas. Its loss is the surprise of
# lesson 101, with the natural logarithm. And its best constant is the plain share of such minutes, which is why 101's
# tables only had to count. scikit-learn has all four.

# %%
from sklearn.metrics import log_loss, mean_absolute_error, mean_pinball_loss, mean_squared_error

said = np.full(len(past), 5.0)
chance = np.full(len(past), 0.1)
pairs = {
    "squared": (SquaredError().value(past, said), mean_squared_error(past, said)),
    "absolute": (AbsoluteError().value(past, said), mean_absolute_error(past, said)),
    "pinball 0.9": (
        PinballLoss(0.9).value(past, said),
        mean_pinball_loss(past, said, alpha=0.9),
    ),
    "log": (LogLoss().value(rush, chance), log_loss(rush, chance)),
}
for name, (ours, library) in pairs.items():
    print(f"{name:<12} ours {ours:.9f}   scikit-learn {library:.9f}")
claim(
    "all four agree with scikit-learn to twelve digits",
    all(np.isclose(ours, library, rtol=1e-12) for ours, library in pairs.values()),
)

# %% [markdown]
# ### Who shouts, and who counts
#
# One collector restarts, and for ten minutes of the three days it reports requests per *minute*: 60 times too much.
# Before you run the next cell: which booking will move?

# %% tags=["exercise"] exercise="202.a"
### BEGIN SOLUTION
choice_a = "B"
### END SOLUTION
quiz("202.a", choice_a)

# %%
spoiled = past.copy()
spoiled[2000:2010] *= 60
after = {
    "squared": spoiled.mean(),
    "absolute": np.median(spoiled),
    "pinball 0.9": np.quantile(spoiled, 0.9),
}
for name, booking in after.items():
    print(f"{name:<12} {lowest[name]:.2f} -> {booking:.2f} replicas")
moved = {name: booking - lowest[name] for name, booking in after.items()}
claim(
    "ten minutes of 4320 move the booking by the squared loss by more than a quarter of a replica",
    moved["squared"] > 0.25,
)
claim(
    "they move the two others by less than 0.03",
    max(moved["absolute"], moved["pinball 0.9"]) < 0.03,
)

# %% [markdown]
# ### The loss that is the bill
#
# Where is the cheapest booking? Raise it by a little: in every minute that was covered already you pay `idle` more, in
# every other minute you save `missing`. While the second is larger, go on. The best place is where both are equal:
#
# > share covered × idle = (1 - share covered) × missing
#
# Solve it for the share covered, and you have the quantile to book.

# %% [markdown]
# **Exercise 202.2 (5 minutes).** From the needs of the past and the two prices, return the cheapest booking. (Don't
# round it: whole replicas come later.)


# %% tags=["exercise"] exercise="202.2"
def best_booking(needs, missing, idle):
    """Return the number of replicas, booked for all minutes, that makes the bill for these minutes smallest.

    `needs` (minutes,): replicas needed; `missing`, `idle`: price per replica and hour, of one too few and one too many.
    """
    ### BEGIN SOLUTION
    return np.quantile(needs, missing / (missing + idle))
    ### END SOLUTION


# %%
check("202.2", best_booking)

# %% [markdown]
# Replicas come whole, so round the booking. Then pay the bill of Thursday and Friday, which nobody had seen.

# %%
best_booking = use("202.2", best_booking)
MISSING, IDLE = 0.90, 0.10  # euros per replica and hour


def bill(came, said):
    """Return (idle, missing) in euros for minutes in which `came` was needed and `said` was there."""
    idle, missing = np.maximum(said - came, 0), np.maximum(came - said, 0)
    return IDLE * idle.sum() / 60, MISSING * missing.sum() / 60


cheapest = best_booking(past, MISSING, IDLE)
print(
    f"cheapest on the past: {cheapest:.2f} replicas, so {round(cheapest)}; by the squared loss: {past.mean():.2f}, so {round(past.mean())}"
)
whole = np.arange(3, 11)
idle, missing = np.array([bill(future, booking) for booking in whole]).T
figure, axes = plt.subplots(figsize=(6.2, 2.3))
axes.bar(whole, idle, label="idle replicas", color=plots.BLUE)
axes.bar(whole, missing, bottom=idle, label="missing replicas", color=plots.ORANGE)
axes.set(title="The bill of the two unseen days", xlabel="booking (replicas)", ylabel="euros")
axes.legend()
plots.show(
    figure,
    alt="Stacked bars over the booking: missing replicas dominate on the left, idle ones grow slowly to the right; the sum is lowest at about 6.",
    summary="Euros: "
    + ", ".join(
        f"{booking} replicas {a + b:.1f}"
        for booking, a, b in zip(whole, idle, missing, strict=True)
    ),
)
total_bill = dict(zip(whole.tolist(), idle + missing, strict=True))
claim(
    "the booking by prices is the cheapest of all whole numbers",
    min(total_bill, key=total_bill.get) == round(cheapest),
)
claim(
    "it costs less than half of the booking by the mean",
    total_bill[round(cheapest)] < total_bill[round(past.mean())] / 2,
)

# %% [markdown]
# Nothing about the data changed, and nothing about the model. Only the question did. (The pinball loss with `q` =
# missing / (missing + idle) *is* this bill per hour, divided by the sum of the two prices, which is 1.00 € here.)

# %% [markdown]
# **Exercise 202.3 (4 minutes).** Choose the loss that charges as the bill does, in a dictionary from the bill's name to the
# loss's: `which_loss = {"checkout": "...", ...}`. The names are `"squared"`, `"absolute"`, `"log"`, `"pinball 0.9"` and
# `"pinball 0.2"`; each is used once.
#
# - `checkout`: replicas; a missing one costs nine times as much as an idle one.
# - `batch`: replicas of a nightly job, which may run late; an idle one costs four times as much as a missing one.
# - `budget`: a forecast of the cloud bill; each euro off is one euro to be moved, in either direction.
# - `cooling`: a temperature is held by it; twice as far off means four times the wear.
# - `deploy`: the chance that a deploy fails; the person on call is hurt by sure and wrong answers.

# %% tags=["exercise"] exercise="202.3"
### BEGIN SOLUTION
which_loss = {
    "checkout": "pinball 0.9",
    "batch": "pinball 0.2",
    "budget": "absolute",
    "cooling": "squared",
    "deploy": "log",
}
### END SOLUTION

# %%
check("202.3", which_loss)

# %% [markdown]
# ## Use it: a planner, and the page that tells of it
#
# A new replica is ready after a quarter of an hour. So a **planner** looks at the need now and says how many replicas to
# have in 15 minutes. It is the line of lesson 201, walked downhill twice: once by the squared loss, once by the bill.

# %%
AHEAD = 15
now, then = need[:-AHEAD], need[AHEAD:]
learn, judge = slice(0, 4320 - AHEAD), slice(4320, None)


def learn_line(loss, x, y, step=0.3, steps=3000):
    """Return (slope, intercept) after walking downhill on any loss; the steps grow shorter."""
    slope, intercept, centred = 0.0, 0.0, x - x.mean()
    for k in range(steps):
        pull = loss.gradient(y, slope * centred + intercept)
        shorter = step / (1 + k / 300)
        slope -= shorter * pull @ centred
        intercept -= shorter * pull.sum()
    return slope, intercept - slope * x.mean()


lines = {}
euros = {"same_as_now": sum(bill(then[judge], now[judge]))}
print(f"{'same as now':<14} {'':25} {euros['same_as_now']:.1f} €")
for loss in (SquaredError(), PinballLoss(0.9)):
    slope, intercept = lines[loss.name] = learn_line(loss, now[learn], then[learn])
    said = slope * now[judge] + intercept
    euros[loss.name] = sum(bill(then[judge], said))
    enough = (then[judge] <= said).mean()
    print(
        f"{loss.name:<14} {slope:.2f} * need + {intercept:.2f}   enough in {enough:.0%} of the unseen minutes, {euros[loss.name]:.1f} €"
    )
claim(
    "the same line costs less when it is taught by the bill",
    euros["pinball_0.9"] < euros["squared_error"],
)
fixed = sum(bill(then[judge], best_booking(past, MISSING, IDLE)))
print(f"{'fixed booking':<14} {'':25} {fixed:.1f} €   (all in fractions of a replica)")
claim(
    "it also costs less than the fixed booking, and than asking for what is needed now",
    euros["pinball_0.9"] < min(fixed, euros["same_as_now"]),
)
up = {
    name: sum(bill(then[judge], np.ceil(line[0] * now[judge] + line[1])))
    for name, line in lines.items()
}
print(
    f"rounded up to whole replicas: squared {up['squared_error']:.1f} €, pinball {up['pinball_0.9']:.1f} €"
)
claim(
    "once both are rounded up, the squared line is no longer the dearer one",
    up["squared_error"] <= up["pinball_0.9"],
)

# %% [markdown]
# Look at the two lines. Taught by squares, it answers the flash crowds of the past with a flatter line. Taught by the
# bill, it keeps nearly the slope of 1 and adds a margin. But whoever then **rounds up** adds a second margin, half a
# replica on average, that nobody told the loss of: the advantage is gone. A loss is the bill only if the decision that is
# billed is the one that was trained. So count in units that can be bought, such as CPU, or price the rounding in.
#
# Does our walk end where the library does?

# %%
from sklearn.linear_model import QuantileRegressor

library = QuantileRegressor(quantile=0.9, alpha=0).fit(now[learn, None], then[learn])
slope, intercept = lines["pinball_0.9"]
ours = PinballLoss(0.9).value(then[learn], slope * now[learn] + intercept)
theirs = PinballLoss(0.9).value(then[learn], library.predict(now[learn, None]))
print(
    f"loss on the days to learn from: ours {ours:.4f}, scikit-learn {theirs:.4f} (the exact minimum)"
)
claim("the walk ends within half a percent of the minimum", ours < 1.005 * theirs)

# %% [markdown]
# ### One decorator
#
# The planner goes into service. It asks the metrics store for the load, so a call takes time and can fail. Prometheus is
# to know of every call. `observed` counts and times a function, a coroutine, or a class with `predict`:

# %%
from prometheus_client import CollectorRegistry

from labsupport.monitoring.endpoint import samples, scrape, serve
from labsupport.monitoring.observed import observed
from labsupport.world import Exponential, simulate_queue


class Replay:
    """A clock, and a store whose answers take as long as requests of the simulated service. Some hang for 2 s and fail."""

    def __init__(self, hanging=0.0):
        self.now = 0.0
        rng = np.random.default_rng(SEED)
        self.seconds = simulate_queue(
            52.0, Exponential(0.075), 6, requests=8_000, seed=SEED
        ).latencies
        self.hangs = rng.random(len(self.seconds)) < hanging
        self.calls = zip(self.seconds, self.hangs, strict=True)

    def clock(self):
        return self.now

    def read(self, load):
        seconds, hangs = next(self.calls)
        self.now += 2.0 if hangs else seconds
        if hangs:
            raise TimeoutError("the store did not answer within 2 s")
        return load


# %%
registry, replay = CollectorRegistry(), Replay(hanging=0.01)


@observed(model="replica_planner", registry=registry, clock=replay.clock)
class Planner:
    def __init__(self, version, line, store):
        self.version, self.store = version, store
        self.slope, self.intercept = line

    def predict(self, load):
        return self.slope * self.store.read(load) + self.intercept


def call_all(planner, loads):
    """Ask the planner for every load; a caller of a failed call goes without an answer."""
    for load in loads:
        with contextlib.suppress(TimeoutError):
            planner.predict(load)


call_all(Planner("1", lines["squared_error"], replay), now[:2000])
call_all(Planner("2", lines["pinball_0.9"], replay), now[2000:7000])
SECONDS = "model_prediction_duration_seconds"
endpoint = serve(registry)
text = scrape(endpoint)
shown = ("# TYPE model", "model_predictions_total", f'{SECONDS}_bucket{{le="0.3"')
for line in text.splitlines():
    if line.startswith(shown) and "_created" not in line:
        print(line)

# %% [markdown]
# That was a real HTTP server and a real scrape of `/metrics`. (Only the clock is replayed, so that ten minutes of calls take
# no time. With your own model you leave out `clock`; around an `async def` the time runs until the answer is there.) Note the habits:
#
# - the unit is in the name, and it is the base unit: **seconds**, not ms;
# - a counter ends in `_total` and only grows; Prometheus computes rates from it;
# - **version** is a label, so a canary can be compared with its rival;
# - `outcome` is `ok` or the kind of the exception. A failed call has a latency, too.

# %% [markdown]
# **Exercise 202.4 (5 minutes).** The page, taken apart, is a list of samples with `.name`, `.labels` (a dictionary) and
# `.value`. It holds other metrics, too, and some have no labels. Compute the error ratio of one version: failed calls by all
# calls.


# %% tags=["exercise"] exercise="202.4"
def error_ratio(page, version):
    """Return the share of the calls of a version whose outcome is not `ok`, from 0 to 1; `nan` where there is no call.

    `page`: list of samples; calls are counted by `model_predictions_total`, with the labels model, version and outcome.
    """
    ### BEGIN SOLUTION
    calls = [
        s
        for s in page
        if s.name == "model_predictions_total" and s.labels["version"] == version
    ]
    failed = sum(s.value for s in calls if s.labels["outcome"] != "ok")
    return failed / sum(s.value for s in calls) if calls else float("nan")
    ### END SOLUTION


# %%
check("202.4", error_ratio)

# %%
error_ratio = use("202.4", error_ratio)
page = samples(text)
for version in ("1", "2"):
    print(f"version {version}: error ratio {error_ratio(page, version):.2%}")
print(
    f"hanging in the replay: {replay.hangs[:7000].mean():.2%} of all calls, whichever version"
)

# %% [markdown]
# ### The p95, from buckets
#
# A histogram keeps no latencies. It counts, for some **upper edges**, how many calls took at most that long; `le` means
# *less or equal*, and the last edge is infinite. To read the p95:
#
# 1. The rank is 0.95 × the count of all calls (the last bucket's).
# 2. Find the first bucket whose count reaches the rank.
# 3. Inside it, assume that the calls are spread evenly: go from its lower edge towards its upper edge by the share of *its
#    own* calls that is needed to reach the rank.

# %%
from labsupport.monitoring.endpoint import bucket_counts

of_version_2 = bucket_counts(page, SECONDS, {"version": "2"})
print("version 2, all outcomes: (upper edge in seconds, calls up to it)")
print(of_version_2[4:])

# %% [markdown]
# **Exercise 202.5 (8 minutes).** Write what Prometheus calls `histogram_quantile`, for these pairs. The first bucket begins at 0. When the rank
# lies in the infinite bucket, nothing is known but its lower edge: return that.


# %% tags=["exercise"] exercise="202.5"
def read_quantile(q, buckets):
    """Return the quantile in seconds; `nan` where there is no call.

    `q`: 0 to 1; `buckets`: list of (upper edge, calls up to it), the last edge inf.
    """
    ### BEGIN SOLUTION
    if buckets[-1][1] == 0:
        return float("nan")
    rank = q * buckets[-1][1]
    low, below = 0.0, 0
    for edge, up_to in buckets[:-1]:
        if up_to >= rank:
            return low + (edge - low) * (rank - below) / (up_to - below)
        low, below = edge, up_to
    return low
    ### END SOLUTION


# %%
check("202.5", read_quantile)

# %% [markdown]
# How good is such a reading? We know the true latencies. Three sets: the store when calm, the store when busy, and a model
# that needs no store and answers in a millisecond. `prometheus_client` has default edges; ours have one at 0.3 s, the
# objective, and are dense around it.

# %%
from prometheus_client import Histogram

from labsupport.monitoring.observed import LATENCY_BUCKETS_S

read_quantile = use("202.5", read_quantile)


def counted(edges, latencies):
    """Return the buckets of a histogram: (upper edge, latencies up to it), the last edge infinite."""
    return [(edge, (latencies <= edge).sum()) for edge in sorted({*edges, np.inf})]


cases = {
    "calm": replay.seconds,
    "busy": simulate_queue(52.0, Exponential(0.096), 6, requests=60_000, seed=SEED).latencies,
    "1 ms": np.random.default_rng(SEED).gamma(4, 0.00025, 8000),
}
readings = {}
for name, latencies in cases.items():
    ours, default = (
        counted(LATENCY_BUCKETS_S, latencies),
        counted(Histogram.DEFAULT_BUCKETS, latencies),
    )
    true, fine, coarse = (
        np.quantile(latencies, 0.95),
        read_quantile(0.95, ours),
        read_quantile(0.95, default),
    )
    readings[name] = fine / true, coarse / true
    print(
        f"{name:<5} p95 {1000 * true:5.1f} ms, read from ours {1000 * fine:5.1f}, from the default {1000 * coarse:5.1f}"
    )
    print(
        f"      within 0.3 s {(latencies <= 0.3).mean():.4f}, read from ours {dict(ours)[0.3] / len(latencies):.4f}"
    )
claim(
    "our edges read the p95 to within 6 % in the calm and in the busy service",
    max(abs(readings[name][0] - 1) for name in ("calm", "busy")) < 0.06,
)
claim(
    "for a model of a millisecond both sets read more than twice the true p95",
    min(readings["1 ms"]) > 2,
)

# %% [markdown]
# Put an **edge on your objective**: the share within 0.3 s is then exact. And choose edges where *your* latencies are: for
# the fast model `observed(..., buckets=(0.0005, 0.001, 0.002, 0.005, 0.3, 2.5))`. Keep edges up to the time-out, or a
# hanging call reads as 5 ms.

# %% [markdown]
# ### The loss itself
#
# Counts and seconds are known at once. The loss needs the truth, which here is a quarter of an hour late. Then
# `publish_loss` sets three gauges: the mean loss, **how many answers** it is made of, and when. Before that it exports
# nothing: a loss of 0 that nobody measured is a lie.

# %%
from labsupport.monitoring.truth import publish_loss

planner_2 = {"model": "replica_planner", "version": "2"}
try:
    publish_loss([np.nan], [4.2], PinballLoss(0.9), registry=registry, **planner_2)
except ValueError as error:
    print(error)
print("loss on the page:", "model_loss" in scrape(endpoint))

# %% [markdown]
# Now a whole Friday. At noon the load balancer is restarted, and from then on the store sees **half** of the traffic.

# %%
friday = slice(4 * 1440 - AHEAD, 5 * 1440 - AHEAD)
seen_load, came = now[friday].copy(), then[friday]
seen_load[720:] /= 2
registry, replay = CollectorRegistry(), Replay()
planner = Planner("2", lines["pinball_0.9"], replay)
watched = observed(planner.predict, registry=registry, clock=replay.clock, **planner_2)
hourly = []
with serve(registry) as friday_endpoint:
    for hour in range(24):
        minutes = slice(60 * hour, 60 * hour + 60)
        said = [watched(load) for load in seen_load[minutes]]
        publish_loss(came[minutes], said, PinballLoss(0.9), registry=registry, **planner_2)
        page = samples(scrape(friday_endpoint))
        values = {s.name: s.value for s in page if s.name.startswith("model_loss")}
        p95 = read_quantile(0.95, bucket_counts(page, SECONDS))
        hourly.append(
            {
                "loss": values["model_loss"],
                "answers": values["model_loss_samples"],
                "errors": error_ratio(page, "2"),
                "p95_ms": 1000 * p95,
            }
        )
hourly = pd.DataFrame(hourly)

# %%
figure, axes = plt.subplots(figsize=(6.2, 2.3))
axes.step(np.arange(25), [*hourly.loss, hourly.loss.iloc[-1]], where="post", color=plots.RED)
axes.axvline(12, color=plots.INK, linestyle=":", linewidth=1.2)
axes.text(11.8, 0.9 * hourly.loss.max(), "the restart", ha="right", fontsize=9)
axes.set(
    title="Friday, as the gauge model_loss shows it",
    xlabel="hour of Friday",
    ylabel="loss (euros per hour)",
    xticks=range(0, 25, 3),
)
before, since = hourly.loss[:12].median(), hourly.loss[12:].median()
plots.show(
    figure,
    alt="The loss is close to zero until noon, apart from hours with a flash crowd, and from noon on it is many times higher.",
    summary=[
        f"Median hour: {before:.2f} € before noon, {since:.2f} € after; each from {hourly.answers.min():.0f} answers.",
        f"Error ratio all day: {hourly.errors.max():.0%}.",
    ],
)
claim("the loss after noon is more than ten times what it was", since > 10 * before)
claim(
    "no call failed, and the p95 moved by less than 10 %",
    hourly.errors.max() == 0 and abs(hourly.p95_ms[23] / hourly.p95_ms[11] - 1) < 0.1,
)

# %% [markdown]
# Every call was quick and none failed. **Latency and errors can't tell that the answers are wrong; the loss can**, as soon
# as the truth is there. It is in euros an hour, so the page at night can carry its price. (Watching the inputs would have
# found it too, and earlier: lesson 610.)

# %% tags=["exercise"] exercise="202.b"
### BEGIN SOLUTION
choice_b = "C"
### END SOLUTION
quiz("202.b", choice_b)

# %% [markdown]
# ## Break it: the monitoring that was handed over
#
# Under the heading *Loss function* the handout has the following code. No loss is in it, but it would be monitoring. It
# imports without a complaint.

# %%
import prometheus_client
from prometheus_client import Counter, Histogram

# Metrics for monitoring
prediction_errors = Counter("model_prediction_errors_total", "Total prediction errors")
prediction_latency = Histogram("model_prediction_duration_seconds", "Prediction latency")


def predict_with_monitoring(features):
    start_time = time.time()
    try:
        prediction = model.predict(features)
        prediction_latency.observe(time.time() - start_time)
        return prediction
    except Exception as e:
        prediction_errors.inc()
        raise e


try:
    predict_with_monitoring(4.0)
except NameError as error:
    print(f"first call: NameError: {error}")
counted = prometheus_client.REGISTRY.get_sample_value("model_prediction_errors_total")
print("errors counted:", counted)

# %% [markdown]
# It imported, because Python looks a name up when it is used. `time` is missing (and `model` would be next), and the
# failure is not even counted: it happens before the `try`. **Call what you deploy once, in a test.**
#
# Add the two names, and live through an incident: one shard of the store hangs, so one call in twelve waits 2 s and
# fails. The same calls go through our decorator.

# %%
replay = Replay(hanging=1 / 12)
time = SimpleNamespace(time=replay.clock)
model = Planner("2", lines["pinball_0.9"], replay)
call_all(SimpleNamespace(predict=predict_with_monitoring), now[:5000])
handed_over = samples(prometheus_client.generate_latest().decode())

registry, replay = CollectorRegistry(), Replay(hanging=1 / 12)
model = Planner("2", lines["pinball_0.9"], replay)
watched = observed(
    model.predict, model="replica_planner", registry=registry, clock=replay.clock
)
call_all(SimpleNamespace(predict=watched), now[:5000])
ours = samples(prometheus_client.generate_latest(registry).decode())

p95s = {}
for name, page in {"handed over": handed_over, "observed": ours}.items():
    counts = bucket_counts(page, SECONDS)
    p95s[name] = read_quantile(0.95, counts)
    print(
        f"{name:<12} {counts[-1][1]:.0f} of 5000 calls have a latency, p95 {p95s[name]:.2f} s"
    )
claim(
    "the handout's p95 stays within the objective of 0.3 s during the incident",
    p95s["handed over"] < 0.3,
)
claim("with the failed calls it is above 1 s", p95s["observed"] > 1)

# %% [markdown]
# The p95 of those who got an answer is fine. Those who waited 2 s for nothing are not in it: `observe` stands on the path
# of success. So the latency panel stays green *because* the slow calls fail. (Ours reads less than the
# true 2 s: all it knows of these calls is their bucket, from 1 to 2.5 s.) And where is that panel? The handed-over code starts
# no HTTP server, so there is nothing to scrape.

# %% [markdown]
# ### Two of a name
#
# The handout's second piece, under *Prometheus metrics*, counts predictions and adds an accuracy. Put both into one
# program:

# %%
from prometheus_client import Gauge

try:
    prediction_latency = Histogram("model_prediction_duration_seconds", "Prediction latency")
except ValueError as error:
    print(str(error).split(":")[0])

second = CollectorRegistry()
prediction_counter = Counter(
    "model_predictions_total", "Total predictions made", registry=second
)
model_accuracy = Gauge("model_accuracy", "Model accuracy", registry=second)


def predict_with_metrics(features):
    try:
        prediction = model.predict(features)
        prediction_counter.inc()
        return prediction
    except Exception as e:
        # Log error metrics
        raise e


model = Planner("2", lines["pinball_0.9"], Replay(hanging=1.0))
call_all(SimpleNamespace(predict=predict_with_metrics), now[:100])
for sample in samples(prometheus_client.generate_latest(second).decode()):
    print(sample.name, sample.value)

# %% [markdown]
# (We left its clock out; it has the faults of the first.) The name is taken, so the second import stops the
# program, and so does running a notebook cell twice. `observed` makes its metrics once for a registry.
#
# The rest is quieter. A hundred calls, all failed, and no number moved: *log error metrics* is only a comment. And the
# accuracy is 0.0 from the first second, though nobody measured one. An alert on it pages at every start; an alert that
# skips zeros sleeps through the day on which it is really 0.

# %% [markdown]
# **Exercise 202.6 (8 minutes).** Repair it. `watched_predict` gets the function to watch, a counter, a histogram and a clock, and
# returns a function that does the same as `predict` and tells of **every** call, also of one that raises or is cancelled:
# one count and one latency, under the outcome `"ok"` or `"error"`. The exception goes on to the caller as it came.


# %% tags=["exercise"] exercise="202.6"
def watched_predict(predict, calls, seconds, clock):
    """Return a function of `features` that answers as `predict(features)` does, and reports every call.

    `calls`: counter, `calls.labels(outcome).inc()`; `seconds`: histogram, `seconds.labels(outcome).observe(duration)`;
    `clock()`: seconds from anywhere.
    """
    ### BEGIN SOLUTION

    def wrapper(features):
        outcome = "error"
        begin = clock()
        try:
            prediction = predict(features)
            outcome = "ok"
            return prediction
        finally:
            calls.labels(outcome).inc()
            seconds.labels(outcome).observe(clock() - begin)

    return wrapper
    ### END SOLUTION


# %%
check("202.6", watched_predict)

# %%
watched_predict = use("202.6", watched_predict)
registry, replay = CollectorRegistry(), Replay(hanging=1 / 12)
repaired = watched_predict(
    Planner("2", lines["pinball_0.9"], replay).predict,
    Counter("calls_total", "calls by outcome", ["outcome"], registry=registry),
    Histogram(
        "call_seconds", "duration", ["outcome"], registry=registry, buckets=LATENCY_BUCKETS_S
    ),
    replay.clock,
)
call_all(SimpleNamespace(predict=repaired), now[:5000])
page = samples(prometheus_client.generate_latest(registry).decode())
for outcome in ("ok", "error"):
    counts = bucket_counts(page, "call_seconds", {"outcome": outcome})
    print(f"{outcome:<6} {counts[-1][1]:.0f} calls, p95 {read_quantile(0.95, counts):.2f} s")
claim(
    "yours reads the same p95 as observed does",
    np.isclose(read_quantile(0.95, bucket_counts(page, "call_seconds")), p95s["observed"]),
)

# %% [markdown]
# Why `finally`? It is the one place that a success, a failure and a cancelled request all pass, and it needs no `raise e`
# (which only adds a line to the traceback). And why not `time.time()`? It jumps when the machine corrects its clock;
# `time.perf_counter`, the default of `observed`, never goes back.
#
# ### A label for every request
#
# Somebody wants to find single requests on the dashboard, and puts the request's id where the version belongs. Each new value
# is a new set of series.

# %%
logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(message)s", force=True)
pages = {}
for kind in ("handmade", "observed"):
    registry, replay = CollectorRegistry(), Replay()
    by_hand = Histogram(
        "answer_seconds", "duration", ["version"], registry=registry, buckets=LATENCY_BUCKETS_S
    )
    planner = observed(Planner, model="replica_planner", registry=registry, clock=replay.clock)(
        "", (1, 0), replay
    )
    for number in range(2000):
        planner.version = f"request-{number}"
        if kind == "handmade":
            by_hand.labels(planner.version).observe(0.1)
        else:
            planner.predict(4.0)
    pages[kind] = prometheus_client.generate_latest(registry).decode()
    print(
        f"{kind}: {len(samples(pages[kind])):,} series, about {len(pages[kind]) / 1e6:.1f} MB for every scrape"
    )

# %%
page = samples(pages["observed"])
versions = {s.labels["version"]: s.value for s in page if s.name == "model_predictions_total"}
print(
    f"{len(versions)} values of the label; {versions['other']:.0f} of {sum(versions.values()):.0f} calls under 'other'"
)
claim(
    "two thousand requests, fifty values, and no call lost",
    len(versions) == 50 and sum(versions.values()) == 2000,
)
endpoint.close()

# %% [markdown]
# Prometheus keeps each series in memory, so this label takes the monitoring down, on the day with the most requests.
# `observed` keeps the first 49 values, counts the rest as `other`, and warns once. An id belongs into the log line.

# %% tags=["exercise"] exercise="202.c"
### BEGIN SOLUTION
choice_c = "A"
### END SOLUTION
quiz("202.c", choice_c)

# %% [markdown]
# ## Quiz

# %% tags=["exercise"] exercise="202.d"
### BEGIN SOLUTION
choice_d = "D"
### END SOLUTION
quiz("202.d", choice_d)

# %% [markdown]
# ## Take away
#
# - A loss is a price list. Squared asks for the mean, absolute for the median, pinball for a quantile, log for a probability.
# - Two prices give the quantile: missing / (missing + idle). Then the loss is the bill.
# - Count and time every call in `finally`, in seconds, with few label values and an edge on the objective.
# - Errors and latency are known now; the loss when the truth arrives. Publish it then, with its count, and not before.

# %%
from labsupport.course.picture import system_so_far

system_so_far("202")

# %% [markdown]
# **Next**: 203 predicts a yes or no: will this deploy fail? There the bill decides, too: what does a page at night cost?
