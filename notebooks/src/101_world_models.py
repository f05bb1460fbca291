# ---
# jupyter:
#   labs:
#     title: "World models: from clouds to rain"
#     question: What is a model of the world, and what is it worth?
#     part: 1
#     will:
#       - forecast rain with a model of two numbers, and score it in bits
#       - combine signs by counting and by Bayes' rule, and see when the short way is too sure
#       - rank a service's metrics by what they foretell, and mend the contract on what is monitored
#       - find a model that is too good, and one whose world has changed
#     need: Python functions, and what a mean is. Nothing from another lesson.
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# ## The bridge
#
# Your runbook says: *when the disk is 90 % full, page someone.* That line is a model of the world. It squeezes a whole
# system into one sentence, and it predicts: full soon, unless you act. You own dozens of such models.
#
# The likeness ends in two places. A runbook says yes or no; the models of this course give a **probability**. And hardly
# anybody adds up how often the runbook was right; these models are **scored, on days they have not seen**.

# %% tags=["parameters"]
SEED = 0

# %% [markdown]
# ## See it: four years of sky
#
# Dark clouds, so rain. That is the oldest world model there is, and we can test it: Seattle's weather, every day from
# 2012 to 2015. (The code of the pictures is there to be run; you need not read it.)

# %% tags=["setup"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from labsupport import plots
from labsupport.exercises import check, claim, hint, quiz, solution, use
from labsupport.world.weather import seattle_weather, signs_of_a_colleague

plots.use_style()
weather = seattle_weather()

# %%
calendar = weather.pivot_table(
    index=weather.date.dt.year, columns=weather.date.dt.dayofyear, values="precipitation"
)
figure, axes = plt.subplots(figsize=(7, 2.2))
axes.imshow(
    calendar > 0, aspect="auto", cmap="Blues", vmin=0, vmax=1.3, interpolation="nearest"
)
axes.hlines([0.5, 1.5, 2.5], -0.5, 365.5, color="#fcfcfb", linewidth=5)
months = ["Jan", "Mar", "May", "Jul", "Sep", "Nov"]
axes.set(title="Rain in Seattle (dark: more than 0 mm)", xlabel="month", ylabel="year")
axes.set_xticks([0, 59, 120, 181, 243, 304], months)
axes.set_yticks(range(4), calendar.index)
axes.grid(False)
per_year = weather.groupby(weather.date.dt.year).rain.mean()
plots.show(
    figure,
    alt="Four rows, one a year, of dark and light days; light stretches in the middle of each year, dark clusters at both ends.",
    summary="Share of rainy days: "
    + ", ".join(f"{year}: {share:.2f}" for year, share in per_year.items()),
)

# %% [markdown]
# Rain comes in runs: a dark day is mostly followed by a dark day. So the smallest useful model looks at one sign, *did it
# rain today?*, and keeps two numbers.

# %%
print(
    weather[
        ["date", "precipitation", "temp_max", "temp_min", "season", "rain", "rain_tomorrow"]
    ]
    .head(4)
    .to_string(index=False)
)
past, future = weather[weather.date.dt.year < 2015], weather[weather.date.dt.year == 2015]
came = future.rain_tomorrow.to_numpy()
print(
    f"\nWe learn from {len(past)} days (2012 to 2014) and keep {len(future)} (2015, less its last day,"
)
print("which has no tomorrow) to be honest with.")

# %% [markdown]
# **Exercise 101.1 (4 minutes).** Learn the two numbers: how often rain followed a dry day, and how often it followed a
# rainy one. Return `(after_dry, after_rain)`.


# %% tags=["exercise"] exercise="101.1"
def two_number_model(rained, rained_next):
    """Return (share of dry days followed by rain, share of rainy days followed by rain).

    Both arguments are boolean arrays of shape (days,).
    """
    ### BEGIN SOLUTION
    rained, rained_next = np.asarray(rained), np.asarray(rained_next)
    return rained_next[~rained].mean(), rained_next[rained].mean()
    ### END SOLUTION


# %%
check("101.1", two_number_model)

# %%
two_number_model = use("101.1", two_number_model)
after_dry, after_rain = two_number_model(past.rain.to_numpy(), past.rain_tomorrow.to_numpy())
print(
    f"After a dry day it rains in {after_dry:.0%} of cases, after a rainy day in {after_rain:.0%}."
)
print(f"Knowing nothing, we would say {past.rain_tomorrow.mean():.0%} every day.")

# %% [markdown]
# That is the whole model: 1,096 days of history became two numbers, and the two numbers predict. How good are they?

# %% [markdown]
# ## Build it: what is a forecast worth?
#
# A forecast of 70 % is neither right nor wrong. But it should be *less surprised* by rain than by sun. Surprise has a
# unit, the **bit**: each halving of the probability that you gave to **what then happened** costs one bit.

# %%
for given in (1, 1 / 2, 1 / 4, 1 / 8, 0.7, 0.3):
    print(
        f"gave {given:5.3f} to what happened: {0.0 - np.log2(given):.2f} bits   (-np.log2({given:.3g}))"
    )

# %% [markdown]
# So a forecast of 0.7 costs 0.51 bits when it rains. When it stays dry, it had left only 0.3 for that: 1.74 bits. A
# forecast of 1.0 that is wrong costs infinitely many. The mean over many days is the score; lower is better.

# %% [markdown]
# **Exercise 101.2 (5 minutes).** Write that score. Mind the words in bold: on a dry day the model gave `1 - probability`
# to what happened.


# %% tags=["exercise"] exercise="101.2"
def mean_bits(probability, happened):
    """Return the mean surprise in bits per day.

    `probability`: array (days,) of forecasts that it rains; `happened`: boolean array (days,), whether it did.
    """
    ### BEGIN SOLUTION
    given = np.where(happened, probability, 1 - np.asarray(probability))
    return -np.log2(given).mean()
    ### END SOLUTION


# %%
check("101.2", mean_bits)

# %% [markdown]
# Your score is a famous one. With the natural logarithm it is called *log loss* or *cross-entropy*, and it is what
# classifiers from logistic regression to language models minimise. scikit-learn agrees with ours.

# %%
from sklearn.metrics import log_loss

mean_bits = use("101.2", mean_bits)
forecast = np.where(future.rain, after_rain, after_dry)
library = log_loss(came, forecast) / np.log(2)
print(f"ours: {mean_bits(forecast, came):.6f} bits    scikit-learn: {library:.6f} bits")
claim(
    "our score is scikit-learn's log loss, in bits",
    np.isclose(mean_bits(forecast, came), library),
)

# %%
scores = {
    "coin (0.5 every day)": mean_bits(np.full(len(future), 0.5), came),
    "base rate of 2012-14": mean_bits(np.full(len(future), past.rain_tomorrow.mean()), came),
    "did it rain today?": mean_bits(forecast, came),
}
for name, score in scores.items():
    print(f"{name:<22} {score:.3f} bits a day, {score * len(future):.0f} for the year")
saved = scores["base rate of 2012-14"] - scores["did it rain today?"]
claim("one sign makes the unseen year cheaper to describe", saved > 0)

# %% [markdown]
# Read the last column as a storage engineer. Whoever has the model can write down the year's rain in 316 bits instead of
# 354, a saving of 11 % (and the model itself, two numbers, is stored only once). **Compression and prediction are the same
# trade**: what can be predicted need not be stored.

# %% [markdown]
# ### A second sign, by Bayes
#
# Our data has no clouds, but clouds leave a trace: they keep the day cool and the night warm. Call a day **narrow** when
# its high and low are less than 8 degrees apart. Seeing the sign moves our belief:
#
# > new belief = belief × (share of the days before rain that show the sign) / (share of all days that show it)

# %%
weather["narrow"] = (weather.temp_max - weather.temp_min) < 8
past, future = weather[weather.date.dt.year < 2015], weather[weather.date.dt.year == 2015]
belief = past.rain_tomorrow.mean()
if_rain = past.narrow[past.rain_tomorrow].mean()
if_dry = past.narrow[~past.rain_tomorrow].mean()
print(f"Belief in rain, before looking: {belief:.3f}")
print(
    f"Of the days before rain, {if_rain:.1%} were narrow; of the days before a dry day, {if_dry:.1%}."
)

# %% [markdown]
# **Exercise 101.3 (5 minutes).** Write the update. The share of all days that show the sign has two parts: days before
# rain, weighted by the belief, and days before a dry day, weighted by the rest.


# %% tags=["exercise"] exercise="101.3"
def bayes_update(belief, sign_if_rain, sign_if_dry):
    """Return the probability of rain after the sign was seen; three numbers between 0 and 1 go in, one comes out."""
    ### BEGIN SOLUTION
    shows = belief * sign_if_rain + (1 - belief) * sign_if_dry
    return belief * sign_if_rain / shows
    ### END SOLUTION


# %%
check("101.3", bayes_update)

# %%
bayes_update = use("101.3", bayes_update)
updated = bayes_update(belief, if_rain, if_dry)
counted = past.rain_tomorrow[past.narrow].mean()
print(f"By Bayes: {updated:.3f}. By counting narrow days: {counted:.3f}.")
claim("Bayes' rule and counting give the same number", np.isclose(updated, counted))

# %% [markdown]
# The same number by two roads. So why Bayes? Counting needs a cell for every *combination* of signs. If we **assume** that
# the signs have nothing to do with each other once tomorrow's weather is given, we may apply the rule once for each sign
# and need only a pair of numbers for each. This assumption is called *naive Bayes*. Let us use it for two signs.

# %%
rain_if_rain, rain_if_dry = (
    past.rain[past.rain_tomorrow].mean(),
    past.rain[~past.rain_tomorrow].mean(),
)
both = bayes_update(updated, rain_if_rain, rain_if_dry)
both_counted = past.rain_tomorrow[past.narrow & past.rain].mean()
neither = bayes_update(
    bayes_update(belief, 1 - if_rain, 1 - if_dry), 1 - rain_if_rain, 1 - rain_if_dry
)
neither_counted = past.rain_tomorrow[~past.narrow & ~past.rain].mean()
print(f"narrow and rainy today:  chained Bayes {both:.2f}, counted {both_counted:.2f}")
print(f"neither:                 chained Bayes {neither:.2f}, counted {neither_counted:.2f}")
claim(
    "the chain is surer than the facts in both directions",
    both > both_counted and neither < neither_counted,
)

# %% [markdown]
# The chain is too sure, both ways. The rule is right, the assumption is not: rain and narrow days are **the same clouds
# seen twice**, and the chain counts two witnesses. You know this fault: two alerts with one cause, read as proof of a
# double failure.

# %% [markdown]
# ## Use it: how many signs?
#
# `TableModel` in `labsupport.ml.table` does the counting of exercise 101.1 for any number of signs, in forty lines. It
# adds one rainy and one dry day to every row, so that a row seen once says 1/3 or 2/3 and not 0 or 1. For a combination
# it has never seen it says the overall share.

# %%
from labsupport.ml.table import TableModel


def cut(values, edges, names):
    """Turn a measured column into named levels."""
    return pd.cut(values, [-99, *edges, 99], labels=names).astype(str)


weather["gap"] = cut(
    weather.temp_max - weather.temp_min, [5, 8, 11], ["<5", "5-8", "8-11", ">11"]
)
weather["wet"] = cut(weather.precipitation, [0, 2, 8], ["dry", "<2", "2-8", ">8"])
weather["breeze"] = cut(weather.wind, [2.5, 4], ["calm", "breeze", "wind"])
weather["trend"] = cut(
    weather.temp_max.diff().fillna(0), [-1.5, 1.5], ["colder", "same", "warmer"]
)
weather["month"] = weather.date.dt.month
past, future = weather[weather.date.dt.year < 2015], weather[weather.date.dt.year == 2015]

# %%
ladders = [
    ["rain"],
    ["rain", "gap"],
    ["wet", "gap"],
    ["wet", "gap", "season"],
    ["wet", "gap", "season", "breeze"],
    ["wet", "gap", "month", "breeze", "trend"],
]
rows = []
for signs in ladders:
    model = TableModel().fit(past[signs], past.rain_tomorrow)
    seen = mean_bits(model.predict(past[signs]), past.rain_tomorrow.to_numpy())
    unseen = mean_bits(model.predict(future[signs]), came)
    rows.append(
        {"signs": " + ".join(signs), "rows": len(model.table_), "2012-14": seen, "2015": unseen}
    )
ladder = pd.DataFrame(rows)
print(ladder.round(3).to_string(index=False))

# %%
figure, axes = plt.subplots()
axes.plot(ladder["rows"], ladder["2012-14"], "o-", label="days it learnt from (2012-14)")
axes.plot(ladder["rows"], ladder["2015"], "s-", label="days it had not seen (2015)")
axes.axhline(
    scores["base rate of 2012-14"], color="#666666", linestyle=":", label="no sign at all"
)
axes.set(
    title="More rows: better on the past, then worse on the future",
    xlabel="rows in the model's table (log scale)",
    ylabel="surprise (bits a day)",
    xscale="log",
)
axes.set_xticks(ladder["rows"], ladder["rows"])
axes.minorticks_off()
axes.legend()
best = ladder.loc[ladder["2015"].idxmin()]
plots.show(
    figure,
    alt="Two curves over the size of the table. The one for known days falls all the way; the one for unseen days falls, then rises.",
    summary=f"Known days: {ladder['2012-14'].iloc[0]:.2f} falls to {ladder['2012-14'].iloc[-1]:.2f} bits. Unseen: {ladder['2015'].iloc[0]:.2f}, best {best['2015']:.2f} with {best['rows']} rows, then {ladder['2015'].iloc[-1]:.2f}.",
)
claim(
    "the largest table is best on the past and not on the future",
    ladder["2012-14"].idxmin() == len(ladder) - 1 and ladder["2015"].idxmin() < len(ladder) - 1,
)

# %% [markdown]
# The largest table has a row for every second day. It no longer compresses the past, it **memorises** it. This is
# *overfitting*, and you will meet it in every lesson: what counts is the score on days the model has not seen. (The
# tables of 16 and 57 rows are a tie: 364 days can't tell them apart. And whoever picks the best by looking at 2015 has
# used 2015 up; lesson 203 keeps a third part of the data for that.)

# %% tags=["exercise"] exercise="101.a"
### BEGIN SOLUTION
choice_a = "C"
### END SOLUTION
quiz("101.a", choice_a)

# %% [markdown]
# ### The same question, asked of your service
#
# Replace the sky by a web service: which of its metrics foretells an outage? The course has a service of its own,
# `labsupport.world`; lesson 102 takes it apart. Here it runs for four days with flash crowds, which are sudden rushes of
# visitors. We call it an outage when one request in twenty takes longer than 400 ms (the *p95* is above 400 ms). In every
# minute without an outage we ask: **will there be one within ten minutes?**

# %%
from labsupport.world import Service, Traffic, flash_crowds


def any_in_next(flags, minutes):
    """For each minute: is any of the following `minutes` flagged?"""
    return pd.concat(
        [flags.shift(-k, fill_value=False) for k in range(1, minutes + 1)], axis=1
    ).any(axis=1)


traffic = Traffic().with_bursts(*flash_crowds(4, per_day=3, seed=SEED))
telemetry = Service(replicas=5, traffic=traffic).run(days=4, seed=SEED).telemetry
outage = telemetry.latency_p95_ms > 400
outage_soon = any_in_next(outage, minutes=10)
day = telemetry.time.dt.dayofyear
learn, judge = ~outage & (day <= 2), ~outage & (day > 2)
print(
    f"{len(telemetry)} minutes, {outage.mean():.0%} in an outage. We learn from {learn.sum()} calm ones, {judge.sum()} judge."
)

# %% [markdown]
# Each metric alone becomes a sign with six levels. Its table is learnt from two days, and the bits it saves are counted
# on the other two. It is the rain model, word for word.


# %% tags=["nbval-ignore-output"]
def levels(metric):
    """Six levels of a metric, cut where the days to learn from have their median, 80 %, 90 %, 95 % and 98 %."""
    edges = np.unique(metric[learn].quantile([0.5, 0.8, 0.9, 0.95, 0.98]))
    return pd.DataFrame({"level": np.searchsorted(edges, metric)})


metrics = [
    "requests_per_s",
    "utilisation",
    "cpu_percent",
    "queue_depth",
    "latency_p95_ms",
    "memory_mb",
    "error_rate",
]
told = {}
for metric in metrics:
    sign = levels(telemetry[metric])
    model = TableModel().fit(sign[learn], outage_soon[learn])
    without = mean_bits(np.full(judge.sum(), model.base_rate_), outage_soon[judge].to_numpy())
    told[metric] = (
        1 - mean_bits(model.predict(sign[judge]), outage_soon[judge].to_numpy()) / without
    )
told = pd.Series(told).sort_values()

kind = {"latency_p95_ms": plots.ORANGE, "memory_mb": plots.GREEN, "error_rate": plots.RED}
figure, axes = plt.subplots(figsize=(7, 3))
axes.barh(told.index, told, color=[kind.get(metric, plots.BLUE) for metric in told.index])
axes.set(
    title="What each metric tells about the next ten minutes",
    xlabel="share of the surprise that it saves (1 would be: all known beforehand)",
    ylabel="metric (blue: load)",
)
plots.show(
    figure,
    alt="Horizontal bars: the metrics of load save about half of the surprise, memory little, the error rate next to nothing.",
    summary="Saved: "
    + ", ".join(f"{metric} {share:.2f}" for metric, share in told[::-1].items()),
)

# %%
claim("the traffic itself foretells most", told.idxmax() == "requests_per_s")
claim(
    "the error rate foretells least", told.idxmin() == "error_rate" and told["error_rate"] < 0.1
)

# %% [markdown]
# In this service the error rate tells nothing **beforehand**: it moves when the outage is there. Load moves first. Yours
# may differ; now you can measure it. The error rate stays worth watching all the same, because it *proves* an outage
# that load only *foretells*.

# %% [markdown]
# ### A contract on what is watched
#
# The chosen metrics must reach a program. The handout that this course implements puts its list into a ConfigMap.
# Kubernetes accepts any text there, so a typing error passes every check of the cluster and is found on the day the
# metric is missed. `MonitoringConfig` reads the document and holds it to what it may contain.

# %%
from labsupport.monitoring.config import ConfigError, MonitoringConfig

handed_over = """
apiVersion: v1
kind: ConfigMap
metadata:
  name: model-monitoring-config
data:
  config.yaml: |
    model_metrics:
      - acuracy
      - precision
      - recall
      - f1_score
      - gpu_utilization
    infrastructure_metrics:
      - cpu_usage
      - memory_usage
      - response_time
      - response_time
"""
try:
    MonitoringConfig.from_yaml(handed_over)
except ConfigError as error:
    print(error)

# %% [markdown]
# **Exercise 101.4 (4 minutes).** Repair the ConfigMap until the contract holds and all eight metrics of the handout's list
# are watched: accuracy, precision, recall, f1_score; cpu_usage, memory_usage, gpu_utilization, response_time.

# %% tags=["exercise"] exercise="101.4"
# Copy the document from above into triple quotes and mend it.
### BEGIN SOLUTION
repaired = """
apiVersion: v1
kind: ConfigMap
metadata:
  name: model-monitoring-config
data:
  config.yaml: |
    model_metrics:
      - accuracy
      - precision
      - recall
      - f1_score
    infrastructure_metrics:
      - cpu_usage
      - memory_usage
      - gpu_utilization
      - response_time
"""
### END SOLUTION

# %%
check("101.4", repaired)

# %%
from labsupport.monitoring.config import INFRASTRUCTURE_METRICS, MODEL_METRICS

config = MonitoringConfig.from_yaml(use("101.4", repaired))
known = MODEL_METRICS | INFRASTRUCTURE_METRICS
for name in config.model_metrics + config.infrastructure_metrics:
    print(f"{name:<16} {known[name].unit:<8} known {known[name].known}")

# %% [markdown]
# Look at the last column. Half of the list is known only **when the truth arrives**, tomorrow or in a month. Until then
# you fly on the other half.

# %% tags=["exercise"] exercise="101.b"
### BEGIN SOLUTION
choice_b = "C"
### END SOLUTION
quiz("101.b", choice_b)

# %% [markdown]
# ## Break it: too good to be true, and out of its world
#
# ### A sign that is too good
#
# A colleague sends four candidate signs, each with its score on 2015. She likes `east_wind` best.

# %%
candidates = signs_of_a_colleague(weather)
then, now = weather.date.dt.year < 2015, weather.date.dt.year == 2015
for name in candidates:
    model = TableModel().fit(candidates.loc[then, [name]], weather.rain_tomorrow[then])
    print(
        f"{name:<13} {mean_bits(model.predict(candidates.loc[now, [name]]), came):.3f} bits a day"
    )

# %% [markdown]
# Nothing in the sky is that good. When one sign suddenly explains nearly everything, ask **when it is known**. A sign
# that was written down after the event is not a sign, it is the answer; this fault is called *leakage*. One test: a sign
# of today goes with today's rain, a leak goes with tomorrow's.
#
# **Exercise 101.5 (5 minutes).** Return the names of the columns that equal `rain_tomorrow` on a clearly larger share of
# the days than they equal `rain`: larger by more than `margin`.


# %% tags=["exercise"] exercise="101.5"
def suspicious_signs(signs, rain, rain_tomorrow, margin=0.1):
    """Return the list of columns of `signs` (a boolean frame) whose share of agreement grows by more than `margin`."""
    ### BEGIN SOLUTION
    return [
        name
        for name in signs
        if (signs[name] == rain_tomorrow).mean() > (signs[name] == rain).mean() + margin
    ]
    ### END SOLUTION


# %%
check("101.5", suspicious_signs)

# %%
suspicious_signs = use("101.5", suspicious_signs)
suspects = suspicious_signs(candidates, weather.rain, weather.rain_tomorrow)
print("Ask when these were written down:", suspects)
claim("the suspect is the sign that scored too well", sorted(suspects) == ["east_wind"])

# %% [markdown]
# The test makes a suspect; only the timestamp proves it. (An honest forecast bought from a weather service would look the
# same.)

# %% [markdown]
# ### A model outside its world
#
# Your colleague learnt her two numbers in three winters. It is summer now. Compare, season by season of 2015, what came
# with what three models said: hers, ours from whole years, and one with the season as a second sign.

# %%
winters = past[past.season == "winter"]
models = {
    "learnt in winters": (TableModel().fit(winters[["rain"]], winters.rain_tomorrow), ["rain"]),
    "learnt in whole years": (TableModel().fit(past[["rain"]], past.rain_tomorrow), ["rain"]),
    "with the season as a sign": (
        TableModel().fit(past[["rain", "season"]], past.rain_tomorrow),
        ["rain", "season"],
    ),
}
said = {name: model.predict(future[signs]) for name, (model, signs) in models.items()}
seasons = ["winter", "spring", "summer", "autumn"]
table = (
    pd.DataFrame({"came": came} | said, index=future.season)
    .groupby(level=0)
    .mean()
    .loc[seasons]
)

# %%
figure, axes = plt.subplots()
for offset, column in enumerate(table):
    color = "#555555" if column == "came" else None
    axes.bar(
        np.arange(4) + 0.2 * (offset - 1.5),
        table[column],
        width=0.19,
        label=column,
        color=color,
    )
axes.set(
    title="A model learnt in winter promises a wet summer",
    xlabel="season of 2015",
    ylabel="probability of rain",
    ylim=(0, 0.85),
)
axes.set_xticks(range(4), seasons)
axes.legend(ncols=2, fontsize=8.5, loc="upper center")
lines = [
    f"{season}: came {row.iloc[0]:.2f}; "
    + ", ".join(f"{name} {row[name]:.2f}" for name in said)
    for season, row in table.iterrows()
]
plots.show(
    figure,
    alt="Bars by season: in winter the models agree with what came; in summer the model learnt in winters promises three times too much.",
    summary=lines,
)
off = {name: (table[name] - table["came"]).abs() for name in said}
claim(
    "the winter model is at its best in winter and at its worst in summer",
    off["learnt in winters"].idxmax() == "summer"
    and off["learnt in winters"].idxmin() == "winter",
)
claim(
    "the season as a sign repairs most of the summer",
    off["with the season as a sign"]["summer"] < off["learnt in winters"]["summer"] / 2,
)

# %% [markdown]
# Two faults, two cures. The winter model is wrong **exactly where the world is no longer the one it learnt in**: only
# data from summer helps. The whole-year model saw every summer and still promises too much rain there, because it lacks a
# sign: the same old data, with the season added, mends it.

# %% [markdown]
# And years? Judge each year by a model of the other three.

# %%
for year in range(2012, 2016):
    others, this = weather[weather.date.dt.year != year], weather[weather.date.dt.year == year]
    model = TableModel().fit(others[["rain", "season"]], others.rain_tomorrow)
    promised = model.predict(this[["rain", "season"]])
    print(f"{year}: promised {promised.sum():.0f} rainy days, came {this.rain_tomorrow.sum()}")

# %% [markdown]
# Ten to twenty days off, in both directions. Rainy days come in runs, so a year scatters by about that much (we come back
# to "how much is luck?" in lesson 203). This is not yet a changed world; a summer is.

# %% [markdown]
# ## Quiz

# %% tags=["exercise"] exercise="101.c"
### BEGIN SOLUTION
choice_c = "B"
### END SOLUTION
quiz("101.c", choice_c)

# %% [markdown]
# ## Take away
#
# - A model of the world compresses it and predicts it; the two are one thing, measured in bits.
# - It is scored on days it has not seen. On the days it learnt from, memorising always wins.
# - Two signs with one cause count for less than two; a sign that knows too much was written down too late.
# - It is wrong where a sign is missing, and where its world has changed. Only the first is cured by old data.

# %%
from labsupport.course.picture import system_so_far

system_so_far("101")

# %% [markdown]
# **Next**: 102 takes the service apart. Why does it fall over at 80 % load, and not at 100 %?
