# ---
# jupyter:
#   labs:
#     title: "Features: what a model may know, and when"
#     question: Where do good inputs come from, and how are they the same in training and in serving?
#     part: 2
#     will:
#       - make features from raw telemetry, and measure which of ten ideas lift a line
#       - find two features that look into the future, one of which no score gives away
#       - join rows by what was known when the question was asked, by hand and with Feast
#       - test that training and serving read the same values, and catch a server that does not
#     need: Lesson 201 (a line from examples), and a little pandas.
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# ## The bridge
#
# In Prometheus a *recording rule* computes an expression once and stores it under a name, so that every dashboard and
# alert reads the same number. A **feature** is such a number, made for a model. A **feature store** is the place where
# it is computed once, for training and for serving.
#
# The likeness ends at time. A dashboard asks what *is*. Training asks thousands of questions about the past, and each
# answer must be what was **known at that moment**, not what is known today.

# %% tags=["parameters"]
SEED = 0

# %% [markdown]
# ## See it: three regions, three clocks
#
# The service now runs in three regions, from Monday to Friday, a row a minute. At times the marketing department of a
# region writes to all its customers.

# %% tags=["setup"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display

from labsupport import plots
from labsupport.exercises import (
    check,
    claim,
    guess,
    hint,
    quiz,
    reveal,
    solution,
    suppose,
    use,
)

plots.use_style()

# %%
from labsupport.data.regions import regional_telemetry

telemetry = regional_telemetry(days=5, seed=SEED)
print(telemetry.groupby("region").head(1).round(2).to_string(index=False))
print(f"{len(telemetry)} rows")

# %% tags=["draw"]
per_replica = telemetry.assign(load=telemetry.requests_per_s / telemetry.replicas)
figure, axes = plt.subplots(figsize=(7, 3))
peaks, highest = [], 0.0
for region, rows in per_replica[per_replica.time.dt.day <= 2].groupby("region"):
    smooth = rows.load.rolling(15, center=True).mean()
    hours = (rows.time - rows.time.iloc[0]).dt.total_seconds() / 3600
    axes.plot(hours, smooth, label=region)
    highest = max(highest, smooth.max())
    usual = (
        per_replica[per_replica.region == region].groupby(telemetry.time.dt.hour).load.mean()
    )
    peaks.append(f"{region} is busiest around {usual.idxmax()}:00 UTC")
axes.set(
    title="Each region has its own afternoon",
    xlabel="hours since Monday 00:00 UTC",
    ylabel="load (requests/s and replica)",
)
axes.set_xticks(range(0, 49, 6))
axes.legend(ncols=3, loc="lower left")
axes.set_ylim(0, highest * 1.1)
plots.show(
    figure,
    alt="Three waves of a day each, shifted against each other, with a few steep humps where a mailing went out.",
    summary="; ".join(peaks) + ".",
)

# %% [markdown]
# New replicas take time to come up, so we want to know the load (requests per second and replica, lesson 201's good
# feature) **half an hour from now**. Ideas are compared on Wednesday, by lines that learnt on Monday and Tuesday. Thursday and
# Friday are for judging: nothing is chosen by them, here or later.

# %% [markdown]
# ## Build it: windows, rates, categories
#
# The raw number jumps from minute to minute. A *window* calms it: the mean of the last ten minutes, which is five minutes old
# for that. It says where the load is. Where does it *go*?

# %% [markdown]
# **Exercise 205.1 (8 minutes).** Write a column for a line that has the mean of ten minutes already. With yours beside it, the line must
# miss by a tenth less, on average over three other weeks. Row `i` may use row `i` and those before it. Minutes are noisy, and what
# is long ago is over: decide how far to look back. Early rows may be missing (`nan`).


# %% tags=["exercise"] exercise="205.1"
def trend(load):
    """Return a column (n,), any unit, that says where the load goes. `load`: a Series (n,) of one region, a row a minute."""
    ### BEGIN SOLUTION
    mean = load.rolling(10).mean()
    return mean - mean.shift(10)
    ### END SOLUTION


# %%
check("205.1", trend)

# %% [markdown]
# Now ten ideas, and yours. Our *rate* is by how much the mean of ten minutes exceeds that of the ten before, per minute. `typical_miss` learns lesson 201's line from the days before Wednesday and returns how far off it is on
# Wednesday. One of the ideas gives the line the hour of day, in UTC like all our clocks.

# %%
guess("205.g1", ...)

# %%
from labsupport.data.features import clock, growth, load_later, minute_features, trailing_mean
from labsupport.ml.linear import LinearRegression
from labsupport.ml.resampling import bootstrap, interval

trend = use("205.1", trend)
made = minute_features(telemetry)  # adds load, load_10, clock_sin, clock_cos
by_region = made.groupby("region", sort=False)
made["load_60"] = by_region.load.transform(trailing_mean, 60)
made["growth"] = by_region.load.transform(growth, 10)
made["hour"] = made.time.dt.hour
made["utc_sin"], made["utc_cos"] = clock(made.time)
made["asia"], made["europe"] = made.region.eq("asia") * 1.0, made.region.eq("europe") * 1.0
made["later"] = load_later(telemetry)


def squares(columns, rows, in_production=None, days=(3,)):
    """Learn from all days before the first of `days` (Wednesday is 3); return the squared miss of each row of `days`."""
    rows = rows.dropna()
    learn, judge = rows[rows.time.dt.day < min(days)], rows[rows.time.dt.day.isin(days)]
    # Without names: in production another column may stand in for the one that was learnt.
    model = LinearRegression().fit(learn[columns].to_numpy(), learn.later)
    return (model.predict(judge[in_production or columns].to_numpy()) - judge.later) ** 2


def typical_miss(*question, **more):
    """Return the root of the mean of `squares`."""
    return np.sqrt(np.mean(squares(*question, **more)))


# %%
ideas = {
    "raw requests per second": ["requests_per_s"],
    "per replica": ["load"],
    "mean of 60 minutes": ["load_60"],
    "mean of 10 minutes": ["load_10"],
    "per replica + growth": ["load", "growth"],
    "+ growth": ["load_10", "growth"],
    "+ growth, name of the region": ["load_10", "growth", "asia", "europe"],
    "+ growth, hour of day (UTC)": ["load_10", "growth", "hour"],
    "+ growth, UTC clock": ["load_10", "growth", "utc_sin", "utc_cos"],
    "+ growth, the region's own clock": ["load_10", "growth", "clock_sin", "clock_cos"],
}
misses = {name: typical_miss(columns, made) for name, columns in ideas.items()}
yours = by_region.load.transform(lambda load: np.asarray(trend(load), dtype=float))
misses["mean of 10 minutes, your column"] = typical_miss(
    ["load_10", "yours"], made.assign(yours=yours)
)
for name, miss in misses.items():
    print(f"{name:<33} misses by {miss:.3f}")
calm, rate = misses["mean of 10 minutes"], misses["+ growth"]
reveal("205.g1", bool(misses["+ growth, hour of day (UTC)"] < 0.95 * rate))

# %%
utc = misses["+ growth, UTC clock"]
claim("a mean of 60 minutes is calm, and too old", misses["mean of 60 minutes"] > 1.2 * calm)
claim("the rate lifts the line by more than a twentieth", rate < 0.95 * calm)
claim(
    "beside the rate, ten minutes instead of one take less than a tenth off the miss",
    rate > 0.9 * misses["per replica + growth"],
)
claim(
    "the region's name, the hour and the clock in UTC bring next to nothing",
    min(
        utc,
        *(misses[f"+ growth, {name}"] for name in ("name of the region", "hour of day (UTC)")),
    )
    > 0.98 * rate,
)
claim(
    "the region's own clock lifts it by more than a twentieth again",
    misses["+ growth, the region's own clock"] < 0.95 * utc,
)

# %% [markdown]
# Wednesday has chosen the four columns of the last line. The two days that chose nothing judge them, against the best without the
# clock:

# %%
judged = (4, 5)
honest = ["load_10", "growth", "clock_sin", "clock_cos"]
clock_miss = typical_miss(honest, made, days=judged)
plain = typical_miss(["load_10", "growth"], made, days=judged)
print(f"Thursday and Friday: {clock_miss:.3f} with the region's own clock, {plain:.3f} without")
there = {
    region: typical_miss(
        honest, made[made.time.dt.day.le(3) | made.region.eq(region)], days=judged
    )
    < typical_miss(
        ["load_10", "growth"],
        made[made.time.dt.day.le(3) | made.region.eq(region)],
        days=judged,
    )
    for region in ("america", "asia", "europe")
}
print("better in:", ", ".join(region for region, better in there.items() if better))
region_hours = [
    squares(columns, made, days=judged)
    .groupby([made.region, made.time.dt.floor("h")])
    .mean()
    .to_numpy()
    for columns in (honest, honest[:2])
]
ratio = interval(bootstrap(lambda new, old: np.sqrt(new.mean() / old.mean()), *region_hours))
print(f"its miss is {ratio[0]:.2f} to {ratio[1]:.2f} times the other (95 %, hours drawn again)")
claim("the choice holds on the days that judge, beyond the luck of their hours", ratio[1] < 1)
claim("and it is better in each region", all(there.values()))

# %% [markdown]
# The last two ideas have the same two columns and the same formula. The difference is one column that lay there unused,
# `utc_offset_h`: people sleep by **their** clock. This is what is meant by *features take much time and expert knowledge*: of
# ten ideas three lifted the line, and the last came from someone who knew the regions.
#
# Why two columns for a clock? A clock is a circle: its sine and cosine are the two coordinates of the hand.

# %%
for name in ("22:30", "23:59", "00:00", "12:00"):
    sine, cosine = clock(pd.Series(pd.to_datetime([f"2024-01-01 {name}"])))
    print(
        f"{name}  as hours {pd.Timestamp(name).hour:2d}   on the circle ({sine[0]:5.2f}, {cosine[0]:5.2f})"
    )

# %% tags=["exercise"] exercise="205.a"
### BEGIN SOLUTION
choice_a = "B"
### END SOLUTION
quiz("205.a", choice_a)

# %% [markdown]
# ### Two gifts from a colleague
#
# A colleague adds two columns. `smooth` is the mean over an hour "without the lag"; `busiest` is the day's highest
# ten-minute load, which "tells big days from small ones". They were measured as ours were, on Wednesday.

# %%
by_day = [made.region, made.time.dt.date]
gifts = made.assign(
    smooth=by_region.load.transform(lambda load: load.rolling(61, center=True).mean()),
    busiest=made.load_10.groupby(by_day).transform("max"),
    # What the same columns hold in production, where the future has not happened yet:
    smooth_live=by_region.load.transform(trailing_mean, 31),
    busiest_live=made.load_10.groupby(by_day).cummax(),
)
four = typical_miss(honest, gifts)
offline = {name: typical_miss([*honest, name], gifts) for name in ("smooth", "busiest")}
print(f"honest four      {four:.2f}")
for name, miss in offline.items():
    print(f"with {name:<10}  {miss:.2f}")
claim("`smooth` nearly halves the miss or better", offline["smooth"] < four / 1.8)
claim(
    "`busiest` changes it by less than one part in twenty",
    abs(offline["busiest"] / four - 1) < 0.05,
)

# %% [markdown]
# One looks brilliant, the other harmless. Don't ask how good a column is, ask **when it is known**. There is an
# experiment for that: throw the future away. Compute the column from all rows, and again from the rows before some
# moment only. A column that is honest does not notice. (Silence is no proof: try several cuts.)

# %% [markdown]
# **Exercise 205.2 (6 minutes).** Write this test. Mind the missing values at the beginning: `nan == nan` is False, but
# two missing values are no difference. (`np.allclose` has an option for it.)


# %% tags=["exercise"] exercise="205.2"
def looks_ahead(make, load, cut):
    """Return True if `make` uses rows that come later than the one it answers for, else False.

    `make`: a function from a Series (n,) to as many values, a feature; `load`: a Series (n,) in order of time;
    `cut`: compare the first `cut` answers, made from all of `load`, with those made from its first `cut` rows.
    """
    ### BEGIN SOLUTION
    whole = np.asarray(make(load), float)[:cut]
    past = np.asarray(make(load[:cut]), float)
    return not np.allclose(whole, past, equal_nan=True)
    ### END SOLUTION


# %%
check("205.2", looks_ahead)

# %%
looks_ahead = use("205.2", looks_ahead)
monday = made[(made.region == "asia") & (made.time.dt.day == 1)].load.reset_index(drop=True)
columns = {
    "load_10": lambda load: trailing_mean(load, 10),
    "growth": lambda load: growth(load, 10),
    "smooth": lambda load: load.rolling(61, center=True).mean(),
    "busiest": lambda load: np.full(len(load), trailing_mean(load, 10).max()),
}
cuts = (240, 480, 720, 960, 1200)
found = {
    name: sum(looks_ahead(make, monday, cut) for cut in cuts) for name, make in columns.items()
}
for name, times in found.items():
    print(f"{name:<8} looks ahead at {times} of {len(cuts)} cuts")
claim(
    "both gifts look ahead, our own columns do not",
    [name for name, times in found.items() if times] == ["smooth", "busiest"],
)

# %% [markdown]
# `smooth` reaches half an hour into the future, which is where the answer lies. `busiest` is known at night; after the
# day's peak it is honest, hence several cuts. No score of the past would have shown that one. And production? There the window has only its first half, and the day's peak is
# the highest *so far*. Thursday and Friday again, scored on the table and as they were lived:

# %%
offline, live = (
    {
        name: typical_miss([*honest, name], gifts, [*honest, f"{name}{suffix}"], days=judged)
        for name in ("smooth", "busiest")
    }
    for suffix in ("", "_live")
)
for name in offline:
    print(f"with {name:<8} promised {offline[name]:.3f}, in production {live[name]:.3f}")
print(f"honest four   promised {clock_miss:.3f}, and keep it")
claim(
    "the brilliant column is worse than none in production", live["smooth"] > 1.3 * clock_miss
)
claim(
    "the quiet one promises a little more than it keeps",
    live["busiest"] > offline["busiest"],
)

# %% [markdown]
# The repair is to make them as production can: the window ends now, and "highest so far" replaces "highest". The first is `load_60` again, which was too old;
# the second brought nothing even with its leak. We drop both.

# %% [markdown]
# ### The table the job writes
#
# Nobody recomputes windows for each request. A **pipeline** does: every five minutes a job reads the telemetry and
# writes a row for each region. The row is written half a minute after its last minute ended: `known_at`.

# %%
from labsupport.data.features import FEATURES, feature_table

table = feature_table(telemetry, every=5, delay_s=30)
print(
    table[table.region == "asia"]
    .tail(3)
    .drop(columns=["clock_sin", "clock_cos"])
    .round(3)
    .to_string(index=False)
)
print(f"{len(table)} rows; the first was written at {table.known_at.min():%H:%M:%S} on Monday")

# %% [markdown]
# Questions come at any second. Here are 6,000 of them with the load that came half an hour later. Which row belongs to a
# question? **The last one that was written by then.** This is the *point-in-time join*.

# %%
from labsupport.data.join import latest_value_join, point_in_time_join

rng = np.random.default_rng([SEED, 205])
seconds = np.sort(rng.integers(3600, 5 * 86400 - 7200, 6000))
questions = pd.DataFrame(
    {
        "region": rng.choice(["america", "asia", "europe"], len(seconds)),
        "asked_at": pd.Timestamp("2024-01-01") + pd.to_timedelta(seconds, unit="s"),
    }
)
answers = made[["region", "time", "later"]]
questions = point_in_time_join(questions, answers, "region", known_at="time").drop(
    columns="time"
)
print(questions.head(3).round(2).to_string(index=False))

# %% [markdown]
# **Exercise 205.3 (6 minutes).** Write the lookup for one region. A row that is written in the very second of the
# question is known. A question before the first row has no answer: `nan`. (`np.searchsorted` finds places in a sorted
# array; a loop is fine, too.)


# %% tags=["exercise"] exercise="205.3"
def value_known(asked_at, known_at, values):
    """Return for each question the value of the last row known at or before it: an array (n,), `nan` where there is none.

    `asked_at` (n,): seconds, in any order; `known_at` (m,): seconds, sorted; `values` (m,): numbers.
    """
    ### BEGIN SOLUTION
    row = np.searchsorted(known_at, asked_at, side="right") - 1
    return np.where(row >= 0, np.asarray(values, float)[np.maximum(row, 0)], np.nan)
    ### END SOLUTION


# %%
check("205.3", value_known)

# %% [markdown]
# `point_in_time_join` in `labsupport.data.join` is your lookup for many regions at once: region and time become one
# sorted number that is searched once. pandas has the same as `merge_asof`. Three ways, one answer:

# %%
value_known = use("205.3", value_known)
joined = point_in_time_join(questions, table, "region")
by_pandas = pd.merge_asof(
    questions, table, left_on="asked_at", right_on="known_at", by="region"
)
asia_asked, asia_rows = questions[questions.region == "asia"], table[table.region == "asia"]
by_hand = value_known(
    asia_asked.asked_at.to_numpy().astype("datetime64[s]").astype(float),
    asia_rows.known_at.to_numpy().astype("datetime64[s]").astype(float),
    asia_rows.load_10.to_numpy(),
)
age = (joined.asked_at - joined.known_at).dt.total_seconds()
print(
    f"Age of the row that answers: {age.min() / 60:.1f} to {age.max() / 60:.1f} minutes, mean {age.mean() / 60:.1f}"
)
claim(
    "no answer comes from the future, and none is older than five minutes",
    age.between(0, 300).all(),
)
claim(
    "ours gives what pandas.merge_asof gives, row by row",
    joined[list(FEATURES)].equals(by_pandas[list(FEATURES)]),
)
claim("so does yours", np.array_equal(by_hand, joined[questions.region == "asia"].load_10))

# %% [markdown]
# ### The naive join
#
# Storage was dear, so the team keeps **one row per region and hour and overwrites it**: an upsert. `hour` is the hour that a row
# tells about: the row for the minutes up to 14:59 belongs to 14:00, and is written at 15:00:30. In training, the question of 14:03
# is joined by region and hour. How many of our questions get a row that did not exist yet?

# %%
guess("205.g2", low=..., high=...)

# %%
with_hour = questions.assign(hour=questions.asked_at.dt.floor("h"))
naive = latest_value_join(with_hour, table, ["region", "hour"])
wrong = (naive.known_at > naive.asked_at).to_numpy()
ahead = (naive.known_at - naive.asked_at).dt.total_seconds() / 60
print(
    f"{wrong.mean():.0%} of the questions were answered from the future, by {ahead.mean():.0f} minutes on average"
)
reveal("205.g2", 100 * wrong.mean())
claim("the naive join answers every single question from the future", wrong.all())

# %% tags=["draw"]
thursday = table[table.known_at.between("2024-01-04 03:00", "2024-01-04 21:00")]
region, middle = thursday.loc[thursday.growth.abs().idxmax(), ["region", "known_at"]]
window = pd.date_range(middle.floor("h") - pd.Timedelta("2h"), periods=240, freq="min")
minutes = pd.DataFrame({"region": region, "asked_at": window, "hour": window.floor("h")})
seen = point_in_time_join(minutes.drop(columns="hour"), table, "region").load_10
claimed = latest_value_join(minutes, table, ["region", "hour"]).load_10
real = made[(made.region == region) & made.time.between(window[0], window[-1])].load.to_numpy()
hours = np.arange(240) / 60
figure, axes = plt.subplots(figsize=(7, 3.1))
axes.plot(hours, real, color="#bbbbbb", linewidth=1, label="each minute")
axes.step(hours, seen, where="post", label="known when asked")
axes.step(hours, claimed, where="post", label="naive: the hour's last value")
axes.set(
    title="The naive join knows each hour before it is over",
    xlabel=f"hours since {window[0]:%A %H:%M} UTC",
    ylabel="load (requests/s and replica)",
)
axes.legend(loc="best")
off = np.abs(claimed - seen)
plots.show(
    figure,
    alt="A noisy grey line jumps up or down; the blue steps follow shortly after it, the orange steps stand at each hour's end value from the hour's beginning.",
    summary=f"In these four hours ({region}) the naive value is off by {off.mean():.2f} on average and by {off.max():.2f} at worst.",
)

# %% [markdown]
# What does a model learn from each? *Offline* is the score on Thursday and Friday as the training table shows them.
# *Online* replays these days as they were: each question gets what was known.

# %%
names = list(FEATURES)


def learnt_from(rows):
    early = rows[rows.asked_at.dt.day <= 3]
    return LinearRegression().fit(early[names], early.later)


def score(model, rows):
    late = rows[rows.asked_at.dt.day > 3]
    return np.sqrt(np.mean((model.predict(late[names]) - late.later) ** 2))


leaky, sound = learnt_from(naive), learnt_from(joined)
print("learnt from           offline   online")
print(f"naive join               {score(leaky, naive):.2f}     {score(leaky, joined):.2f}")
print(f"point-in-time join       {score(sound, joined):.2f}     {score(sound, joined):.2f}")
promised, came, sound_score = score(leaky, naive), score(leaky, joined), score(sound, joined)
claim("offline the naive join looks better by more than a tenth", promised < 0.9 * sound_score)
claim("online it is worse by more than a tenth", came > 1.1 * sound_score)
print(f"(The same four columns, made fresh each minute, missed by {clock_miss:.2f}.)")

# %% [markdown]
# (A row is up to five minutes old when it answers, hence the small loss against columns of the very minute.) Whoever compares offline scores deploys the wrong model. The gap between offline and online is the price of the leak,
# and the table could not be repaired afterwards: what was overwritten is gone. **Append, with the time of writing.**

# %% [markdown]
# ## Use it: a feature store
#
# The job above is the data pipeline. Feast is
# the store: an **offline** part that keeps all rows, for training, and an **online** part that keeps the newest row of
# each entity, for serving. What it serves is declared in Python. This is our whole declaration:

# %%
from pathlib import Path

import labsupport.data.store as feature_store

print(feature_store.DEFINITIONS.read_text())

# %% [markdown]
# An *entity* is what a row is about, and a *feature view* is a table. Its `timestamp_field` is when a row was **written**: with the
# time of the minute instead, each row would be known before its job ran. Its `ttl`: for questions about the past older rows don't count. A *feature
# service* is the list that one model reads. `apply` writes this into a **registry**. `make_repo` puts the declaration, our
# rows and a `feature_store.yaml` into a folder; nothing else, because `feast apply` **runs every Python file it finds
# there**.

# %%
from labsupport import scratch
from labsupport.data.store import quietly

workshop = scratch.folder("205")
store = feature_store.open_store(feature_store.make_repo(workshop / "repo", table))
feature_store.apply(store)
config = (workshop / "repo" / "feature_store.yaml").read_text()
# Without the lines that hold paths: of the registry, and of the online store's file.
print("\n".join(line for line in config.splitlines() if "/" not in line))
print("views:", [view.name for view in store.list_feature_views()])

# %% [markdown]
# ### The offline store: ask the past
#
# We ask 240 of our questions, and ten from the first minutes of Monday, before the job had written anything.

# %%
some = questions[["region", "asked_at"]].iloc[::25]
first = pd.DataFrame(
    {"region": "asia", "asked_at": pd.date_range("2024-01-01", periods=10, freq="2min")}
)
asked = pd.concat([some, first], ignore_index=True)
entity_rows = asked.rename(columns={"asked_at": "event_timestamp"})
entity_rows["event_timestamp"] = entity_rows.event_timestamp.dt.tz_localize("UTC")
service = store.get_feature_service("load_forecast")
with quietly():  # Feast talks a lot
    answer = store.get_historical_features(entity_rows, service).to_df()
print(f"asked {len(asked)}, answered {len(answer)}")
claim("exactly the ten early questions are gone", len(answer) == len(asked) - 10)

# %% [markdown]
# No error, no warning. Feast's file store joins all rows of the region and then **keeps only the pairs whose row is old enough and not
# too old**; a question without such a pair has nothing left. (Two questions of one region in the same second become one,
# too.) In training, a set that shrinks in silence is a bias: the early hours of every new region are missing.
#
# The repair: number the questions, and put the answers back by number. `training_rows` does that.

# %%
repaired = feature_store.training_rows(store, asked)
ours = point_in_time_join(asked, table, "region", max_age="2h")
print(
    f"asked {len(asked)}, answered {len(repaired)}, of these {repaired.load_10.isna().sum()} say: nothing was known"
)
claim("every question has its row again", len(repaired) == len(asked))
claim(
    "row by row, Feast's values are those of our join",
    np.array_equal(ours[names], repaired[names], equal_nan=True),
)

# %% tags=["exercise"] exercise="205.b"
### BEGIN SOLUTION
choice_b = "C"
### END SOLUTION
quiz("205.b", choice_b)

# %% [markdown]
# ### The online store: ask now
#
# *Materialise* copies the newest row of each region into the online store, here SQLite, on a cluster Redis. Then a lookup
# is one read by key. We pretend that it is Friday, 12:34.

# %%
import time

now = pd.Timestamp("2024-01-05 12:34:00")
feature_store.materialise(store, until=now)
store.get_online_features(
    features=service, entity_rows=[{"region": "asia"}]
)  # the first one opens the files
took = []
for _ in range(200):
    started = time.perf_counter()
    store.get_online_features(features=service, entity_rows=[{"region": "asia"}])
    took.append(time.perf_counter() - started)
print(
    feature_store.ask_now(store, ["america", "asia", "europe"]).round(3).to_string(index=False)
)
claim("half of the lookups take less than 10 milliseconds", np.median(took) < 0.010)

# %% [markdown]
# ### Are they the same?
#
# One definition, two stores, so training and serving *should* read the same. "Should" is not a test. The test: take an
# entity and a moment, ask both paths, compare value by value.

# %% [markdown]
# **Exercise 205.4 (6 minutes).** Write it. A column is skewed if **any** row differs by more than `tolerance`, in
# either direction, or is missing (`nan`) on one side only. Missing on both sides is fine.


# %% tags=["exercise"] exercise="205.4"
def skewed_columns(offline, online, tolerance=1e-6):
    """Return the list of the names of the skewed columns.

    `offline`, `online`: frames (n, k) of numbers with the same columns, row by row the same entity and time.
    """
    ### BEGIN SOLUTION
    skewed = []
    for name in offline:
        left, right = offline[name].to_numpy(), online[name].to_numpy()
        same = (np.abs(left - right) <= tolerance) | (np.isnan(left) & np.isnan(right))
        if not same.all():
            skewed.append(name)
    return skewed
    ### END SOLUTION


# %%
check("205.4", skewed_columns)

# %%
skewed_columns = use("205.4", skewed_columns)
regions = ["america", "asia", "europe"]
all_skewed = []
for clock_time in ("12:34:00", "12:35:29", "12:35:30", "21:00:00"):
    moment = pd.Timestamp(f"2024-01-05 {clock_time}")
    feature_store.materialise(store, until=moment)
    online = feature_store.ask_now(store, regions)
    asked_then = pd.DataFrame({"region": regions, "asked_at": moment})
    offline_then = point_in_time_join(asked_then, table, "region")
    skewed = list(skewed_columns(offline_then[names], online[names]))
    all_skewed += skewed
    print(
        f"{clock_time}: row of {offline_then.known_at.max():%H:%M:%S}, skewed columns: {skewed}"
    )
claim("while the job runs, both paths agree in every region and column", not all_skewed)

# %% [markdown]
# Look at the second and third line: one second apart, two different rows. Offline and online change over together, **because we ran
# the job before each question**.

# %% [markdown]
# ## Break it: a job that stops, a second implementation, three replicas
#
# ### The job stops
#
# On Friday at 12:34 the job that writes the rows dies, so nothing new is materialised either. Nobody notices: the server answers
# each request in time. Our `ttl` is two hours. What does the online store say at 21:00? Put the probability that it says nothing.

# %%
guess("205.g3", ...)

# %%
stopped, evening = pd.Timestamp("2024-01-05 12:34"), pd.Timestamp("2024-01-05 21:00")
feature_store.materialise(store, until=stopped)
online = feature_store.ask_now(store, regions)
old_rows = table[table.known_at <= stopped]
then = pd.DataFrame({"region": regions, "asked_at": evening})
offline_then = point_in_time_join(then, old_rows, "region", max_age="2h")
print(online.round(3).to_string(index=False))
print("offline at 21:00:", offline_then.load_10.tolist())
print("skewed:", sorted(skewed_columns(offline_then[names], online[names])))
reveal("205.g3", bool(online[names].isna().all(axis=None)))
claim(
    "the online store serves the rows of 12:30, and all four columns are skewed",
    online[names].notna().all(axis=None)
    and sorted(skewed_columns(offline_then[names], online[names])) == sorted(names),
)

# %% [markdown]
# Feast applies `ttl` to questions about the past only. Online, the newest row is the newest row, however old it is. What does such an
# answer cost? We let Thursday and Friday be forecast from rows that are old on purpose:

# %%
late = made[(made.time.dt.day > 3) & (made.time.dt.minute % 7 == 0)].dropna()
always = np.sqrt(np.mean((made.later[made.time.dt.day <= 3].mean() - late.later) ** 2))
stale = {}
for age_min in (0, 15, 30, 60, 240, 480):
    asks = late[["region", "later"]].assign(asked_at=late.time - pd.Timedelta(minutes=age_min))
    rows = point_in_time_join(asks, table, "region").dropna()
    stale[age_min] = np.sqrt(np.mean((sound.predict(rows[names]) - rows.later) ** 2))
    print(f"{age_min:3} minutes late: misses by {stale[age_min]:.2f}")
print(f"always the mean of all days: {always:.2f}")
claim(
    "a quarter of an hour late, the miss is less than a third larger",
    stale[15] < 1.33 * stale[0],
)
claim("half an hour late, it is more than 1.4 times as large", stale[30] > 1.4 * stale[0])
claim("eight hours late, it is far worse than always the mean", stale[480] > 1.3 * always)

# %% [markdown]
# So the server must ask for a row's **age**, and say *nothing known* instead of something old. Feast tells when each value was written;
# `ask_now` compares. Whoever gets no answer plans by the mean of all days. How old is too old?

# %% [markdown]
# **Exercise 205.5 (7 minutes).** Decide the limit from last month. `ages` says how old the newest row was at each question, `missed` what
# the answer from it cost in euros, luck included, and `refused` what a question without an answer costs. Rows up to your limit are
# answered. The next month is billed: you may pay 5 % more than by its best limit.


# %% tags=["exercise"] exercise="205.5"
def age_limit(ages, missed, refused):
    """Return the largest age (minutes) that is answered. `ages`, `missed`: arrays (n,) in no order; `refused`: a number."""
    ### BEGIN SOLUTION
    order = np.argsort(ages)
    saved = np.cumsum(refused - missed[order])
    return ages[order][np.argmax(saved)]
    ### END SOLUTION


# %%
check("205.5", age_limit)

# %% [markdown]
# Your rule on our own Thursday and Friday, with rows of up to eight hours, and a euro for each point of the miss:

# %% tags=["nbval-ignore-output"]
age_limit = use("205.5", age_limit)
ages = np.random.default_rng(SEED).uniform(0, 480, len(late))
asks = late[["region", "later"]].assign(asked_at=late.time - pd.to_timedelta(ages, unit="min"))
rows = point_in_time_join(asks, table, "region")
whole = rows[names].notna().all(axis=1).to_numpy()
missed = np.abs(sound.predict(rows.loc[whole, names]) - rows.later[whole]).to_numpy()
refused = np.abs(made.later[made.time.dt.day <= 3].mean() - late.later).mean()
limit = float(age_limit(ages[whole], missed, float(refused)))
print(f"a refusal costs {refused:.2f} euros, the limit is {limit:.0f} minutes")

# %% [markdown]
# Count the refusals, too, or page on the age itself: a missing value is only better if somebody hears of it. The store with your limit:

# %%
for asked_now in (stopped, stopped + pd.Timedelta("10min"), evening):
    fresh_only = feature_store.ask_now(
        store, regions, asked_at=asked_now, max_age=f"{limit:.0f}min"
    )
    print(f"{asked_now:%H:%M}", fresh_only.load_10.round(3).tolist())
claim(
    "at 21:00 the store now says that nothing is known", fresh_only[names].isna().all(axis=None)
)

# %% [markdown]
# ### A serving path of its own
#
# The team that serves the model found the store too slow to adopt. They compute the four features themselves, from raw
# telemetry, in the request. Their tests are green. Can you see the fault?


# %%
def features_in_the_request(region, asked_at):
    """The other team's code: the features of a region, from the minutes that are over."""
    rows = telemetry[
        (telemetry.region == region) & (telemetry.time + pd.Timedelta("1min") <= asked_at)
    ]
    load = (rows.requests_per_s / rows.replicas).to_numpy()
    last = rows.time.iloc[-1]
    angle = 2 * np.pi * (last.hour + last.minute / 60) / 24
    recent, before = load[-10:].mean(), load[-20:-10].mean()
    return {
        "region": region,
        "load_10": recent,
        "growth": (recent - before) / 10,
        "clock_sin": np.sin(angle),
        "clock_cos": np.cos(angle),
    }


# %% [markdown]
# We compare at moments when the job has just written, so that both know the same minutes: else freshness would differ,
# and that is no fault of the code.

# %%
from labsupport.data.skew import SkewError, require_no_skew, skew_report

fresh = table[table.known_at.dt.day > 3].iloc[::13].reset_index(drop=True)
served = pd.DataFrame(
    [features_in_the_request(row.region, row.known_at) for row in fresh.itertuples()]
)
print("skewed:", skewed_columns(fresh[names], served[names]))
print(skew_report(fresh[names], served[names]).round(2).to_string())
claim(
    "exactly the clock is skewed",
    sorted(skewed_columns(fresh[names], served[names])) == ["clock_cos", "clock_sin"],
)

# %%
later = made.set_index(["region", "time"]).later
fresh["later"] = later.reindex(
    pd.MultiIndex.from_arrays([fresh.region, fresh.known_at.dt.floor("min")])
).to_numpy()
late = fresh.later.notna()
typical = {}
for name, rows in (("as trained", fresh), ("as served", served)):
    off_by = sound.predict(rows.loc[late, names]) - fresh.later[late]
    there = (off_by**2).groupby(fresh.region[late]).mean() ** 0.5
    typical[name] = np.sqrt(np.mean(off_by**2))
    places = ", ".join(f"{region} {miss:.2f}" for region, miss in there.items())
    print(f"{name:<11} misses by {typical[name]:.2f} ({places})")
claim(
    "the skew makes the miss at least half as large again",
    typical["as served"] > 1.5 * typical["as trained"],
)
claim("Europe, an hour from UTC, suffers least", there.idxmin() == "europe")

# %% [markdown]
# (Only the moments at which the job wrote, 134 of them: another, smaller sample than before, and another miss.)
#
# Their clock is UTC. The regions' own clock, our best idea, was lost in the second writing. Each answer is a plausible
# number, no request fails; only the forecasts are wrong. Whoever tries it in Europe alone, an hour from UTC, sees the
# least of it, and may call it a bad day. So: **every entity, every column**.
#
# The repair is not a better copy. It is one implementation, called by both; and `require_no_skew` runs before a release.

# %%
try:
    require_no_skew(fresh[names], served[names])
except SkewError as error:
    print(f"refused: {error}")


def features_by_the_library(region, asked_at):
    """The repair: the code that training uses, on the minutes that are over."""
    rows = telemetry[
        (telemetry.region == region) & (telemetry.time + pd.Timedelta("1min") <= asked_at)
    ]
    return minute_features(rows[-20:]).iloc[-1]


mended = pd.DataFrame(
    [features_by_the_library(row.region, row.known_at) for row in fresh.itertuples()]
)
require_no_skew(fresh[names], mended[names].astype(float))
claim(
    "one implementation for both paths leaves no skew",
    len(skewed_columns(fresh[names], mended[names].astype(float))) == 0,
)

# %% [markdown]
# ### A tutorial's feature store
#
# A typical tutorial has a section *feature engineering*. It contains no feature; it contains this server:
#
# ```yaml
# kind: Deployment
# metadata:
#   name: feast-feature-store
# spec:
#   replicas: 3
#   template:
#     spec:
#       containers:
#       - name: feast-server
#         image: feast:latest
#         env:
#         - name: FEAST_CORE_URL
#           value: "feast-core:6565"
# ```
#
# `kubectl apply` refuses it for a missing selector (lesson 601). Mend that, and the questions begin. Let us ask the
# Feast we have installed.

# %%
import importlib.util

import feast

sources = Path(feast.__file__).parent.rglob("*.py")
mentions = sum("FEAST_CORE_URL" in source.read_text(errors="ignore") for source in sources)
print("a package feast.core:", importlib.util.find_spec("feast.core"))
print("files of Feast that mention FEAST_CORE_URL:", mentions)
claim("nothing in Feast reads FEAST_CORE_URL", mentions == 0)

# %% [markdown]
# `feast-core` was a Java service of Feast before 0.10. It is gone, and a variable that nobody reads raises no error.
# Where, then, are registry and rows? In no volume, so in each container's own files. Three replicas are three folders:


# %%
def three_replicas(name, shared=None):
    """Three servers; the definitions are applied, and the rows materialised, on the first."""
    home = workshop / name
    repos = [
        feature_store.make_repo(home / str(n), table, shared and home / shared)
        for n in range(3)
    ]
    first = feature_store.open_store(repos[0])
    feature_store.apply(first)
    feature_store.materialise(first, until=now)
    return [feature_store.open_store(repo) for repo in repos]


def answers_of(replica):
    """What a replica says about the load in Asia."""
    if not replica.list_feature_views():
        return "knows no features"
    return f"load_10 = {feature_store.ask_now(replica, ['asia']).load_10[0]:.3f}"


# %%
said = {"own files": [answers_of(r) for r in three_replicas("alone")]}
said["shared files"] = [answers_of(r) for r in three_replicas("joint", shared="shared")]
for name, lines in said.items():
    print(f"{name:<13}", " | ".join(lines))
claim("replicas with their own files disagree", len(set(said["own files"])) > 1)
claim(
    "replicas that share registry and online store agree", len(set(said["shared files"])) == 1
)

# %% [markdown]
# One request in three gets a number, two learn that nothing is known of any feature. On a cluster (lab 605): `feast apply` in a
# Job, a shared registry, Redis as online store, and `feast serve` in the Deployment.

# %% [markdown]
# ### Refute it
#
# Five cuts found both gifts, and were silent for our own columns. So this seems a safe test:

# %%
suppose("205.6", columns["growth"])

# %% [markdown]
# **Exercise 205.6 (7 minutes).** Refute it: write a column that the five cuts let pass, and that looks ahead all the same. It need
# not be useful, but think of columns that real tables have. The check cuts one region's Monday, 1,440 minutes, at other moments.


# %% tags=["exercise"] exercise="205.6"
def column(load):
    """Return as many values as `load`, a Series (n,) in order of time, one row a minute, labels from 0."""
    ### BEGIN SOLUTION
    return load.groupby(load.index // 60).transform("mean")
    ### END SOLUTION


# %%
check("205.6", column)

# %% [markdown]
# ## Quiz

# %% tags=["exercise"] exercise="205.c"
### BEGIN SOLUTION
choice_c = "A"
### END SOLUTION
quiz("205.c", choice_c)

# %% tags=["exercise"] exercise="205.d"
### BEGIN SOLUTION
choice_d = "C"
### END SOLUTION
quiz("205.d", choice_d)

# %% [markdown]
# ## Take it to work
#
# What was **known** when each of your errors was written? Your log asks, your telemetry answers, with the value of then and not
# of now. How far is that value from the hour's mean, which a careless join would have put there and nobody knew yet?

# %%
from labsupport import own

log = own.json_lines()  # own.json_lines("service.jsonl") reads yours
samples = own.prometheus()  # own.prometheus("answer.json") reads yours
errors = log[log.level == "ERROR"].assign(job="web").rename(columns={"time": "asked_at"})
p95 = samples[samples.metric == "job:http_latency_seconds:p95"][["job", "time", "value"]]
known = point_in_time_join(errors, p95, "job", known_at="time", max_age="30min")
hourly = p95.set_index("time").value.resample("1h").mean().reindex(known.asked_at.dt.floor("h"))
display(known[["asked_at", "time", "value", "message"]].head(3))
print(f"{known.value.isna().sum()} of {len(known)} errors without an answer")
print(f"the hour's mean is {1000 * np.abs(hourly.to_numpy() - known.value).mean():.1f} ms off")

# %% [markdown]
# ## Take away
#
# - A good feature is knowledge in a column. Measure each idea; most bring nothing.
# - Ask of every column when it is known. Cut the future off, at many odd moments: an honest column does not notice.
# - Join by what was known when the question was asked, and keep every question. Append rows, never overwrite them.
# - One implementation for training and serving, and a test that compares them for every entity and column.
# - An online store serves what it has, however old: ask for the age, and page on it.

# %%
from labsupport.course.picture import system_so_far

system_so_far("205")

# %% [markdown]
# **Next**: 301 lets a network find its features by itself. What does that cost?
