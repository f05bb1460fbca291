# ---
# jupyter:
#   labs:
#     title: "World models: from clouds to rain"
#     question: What is a model of the world, and what is it worth?
#     part: 1
#     will:
#       - forecast rain with a model of two numbers, and score it in bits
#       - combine signs by counting and by Bayes' rule, and see where the shortcut lies
#       - find a model that is too good, and one that is wrong where its world changed
#       - choose the metrics that foretell an outage, and put them into a contract a program can read
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
# The likeness ends in two places. A runbook says yes or no; the models of this course give a **probability**. And nobody
# ever adds up how often the runbook was right; these models are **scored, on days they have not seen**.

# %% tags=["parameters"]
SEED = 0

# %% [markdown]
# ## See it: four years of sky
#
# Dark clouds, so rain. That is the oldest world model there is, and we can test it: Seattle's weather, every day from
# 2012 to 2015.

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
axes.set(
    title="Rain in Seattle (dark: more than 0 mm)",
    xlabel="day of the year",
    ylabel="year",
    yticks=range(4),
    yticklabels=calendar.index,
)
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
    weather[["date", "precipitation", "temp_max", "temp_min", "wind", "rain", "rain_tomorrow"]]
    .head(4)
    .to_string(index=False)
)
past, future = weather[weather.date.dt.year < 2015], weather[weather.date.dt.year == 2015]
print(
    f"\nWe learn from {len(past)} days (2012 to 2014) and keep {len(future)} days (2015) to be honest with."
)

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
after_dry, after_rain = two_number_model(past.rain, past.rain_tomorrow)
print(
    f"After a dry day it rains in {after_dry:.0%} of cases, after a rainy day in {after_rain:.0%}."
)
print(f"Knowing nothing, we would say {past.rain_tomorrow.mean():.0%} every day.")

# %% [markdown]
# That is the whole model: 1,096 days of history became two numbers, and the two numbers predict. **Compression and
# prediction are the same trade**: what can be predicted need not be stored.

# %% [markdown]
# ## Build it: what is a forecast worth?
#
# A forecast of 70 % is neither right nor wrong. But it should be *less surprised* by rain than by sun. Surprise has a
# unit, the **bit**:
#
# > surprise = minus the base-2 logarithm of the probability that the model gave to **what then happened**
#
# Said 0.5: 1 bit, whatever comes. Said 0.7 and it rained: 0.51 bits. Said 0.7 and it stayed dry: it had given dry only
# 0.3, that is 1.74 bits. Said 1.0 and was wrong: infinitely many. The mean over many days is the score; lower is better.

# %% [markdown]
# **Exercise 101.2 (5 minutes).** Write that score. Mind the words in bold: on a dry day the model gave `1 - probability`
# to what happened.


# %% tags=["exercise"] exercise="101.2"
def mean_bits(probability, happened):
    """Return the mean surprise in bits per day.

    `probability` (days,): forecast that it rains; `happened` (days,): whether it did (bool).
    """
    ### BEGIN SOLUTION
    given = np.where(happened, probability, 1 - np.asarray(probability))
    return -np.log2(given).mean()
    ### END SOLUTION


# %%
check("101.2", mean_bits)

# %% [markdown]
# Your score is a famous one. In nats instead of bits it is called *log loss* or *cross-entropy*, and it is what
# classifiers from logistic regression to language models minimise. scikit-learn agrees with ours to the last digit.

# %%
from sklearn.metrics import log_loss

mean_bits = use("101.2", mean_bits)
forecast = np.where(future.rain, after_rain, after_dry)
print(
    f"ours: {mean_bits(forecast, future.rain_tomorrow):.6f} bits    scikit-learn: {log_loss(future.rain_tomorrow, forecast) / np.log(2):.6f} bits"
)
claim(
    "our score is the log loss of scikit-learn in bits",
    np.isclose(
        mean_bits(forecast, future.rain_tomorrow),
        log_loss(future.rain_tomorrow, forecast) / np.log(2),
    ),
)

# %%
scores = {
    "coin (0.5 every day)": mean_bits(np.full(len(future), 0.5), future.rain_tomorrow),
    "base rate of 2012-14": mean_bits(
        np.full(len(future), past.rain_tomorrow.mean()), future.rain_tomorrow
    ),
    "did it rain today?": mean_bits(forecast, future.rain_tomorrow),
}
for name, score in scores.items():
    print(f"{name:<22} {score:.3f} bits a day")
saved = (scores["base rate of 2012-14"] - scores["did it rain today?"]) * len(future)
print(
    f"\nOver the year 2015 the two numbers save {saved:.0f} of {scores['base rate of 2012-14'] * len(future):.0f} bits."
)
claim("one sign makes the unseen year cheaper to describe", saved > 0)

# %% [markdown]
# Read the last line as a storage engineer. Whoever has the model can write down the year's rain in that many bits fewer.
# That is what the model knows about the world, in the unit of your disks.

# %% [markdown]
# ### A second sign, by Bayes
#
# Cloudy days have a small gap between the day's high and low. Call a gap below 8 degrees a **narrow** day. Seeing the
# sign moves our belief:
#
# > new belief = belief × (how often the sign shows before rain) / (how often it shows at all)

# %%
weather["narrow"] = (weather.temp_max - weather.temp_min) < 8
past, future = weather[weather.date.dt.year < 2015], weather[weather.date.dt.year == 2015]
belief = past.rain_tomorrow.mean()
if_rain = past.narrow[past.rain_tomorrow].mean()
if_dry = past.narrow[~past.rain_tomorrow].mean()
print(
    f"Belief before: {belief:.3f}. Narrow days come before rain with {if_rain:.3f}, before dry days with {if_dry:.3f}."
)

# %% [markdown]
# **Exercise 101.3 (5 minutes).** Write the update. "How often it shows at all" has two parts: before rain, weighted by
# the belief, and before dry days, weighted by the rest.


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
# The same number by two roads. So why Bayes? Because counting needs a cell for every *combination* of signs, and Bayes
# needs only a pair of numbers for each sign. Let us use that shortcut for two signs at once and compare.

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
# The chain is too sure, both ways. Rain and narrow days are **the same clouds seen twice**, and the chain counts them as
# two witnesses. You know this fault: two alerts that fire for one cause, read as proof of a double failure.

# %% [markdown]
# ## Use it: how many signs?
#
# `TableModel` in `labsupport.ml.table` does the counting for any number of signs; it is forty lines, and you have just
# written its core. It adds one rainy and one dry day to every row, so that a row seen once is no certainty.

# %%
from labsupport.ml.table import TableModel

gap = weather.temp_max - weather.temp_min
weather["gap"] = pd.cut(gap, [-1, 5, 8, 11, 99], labels=["<5", "5-8", "8-11", ">11"]).astype(
    str
)
weather["wet"] = pd.cut(
    weather.precipitation, [-1, 0, 2, 8, 99], labels=["dry", "<2", "2-8", ">8"]
).astype(str)
weather["breeze"] = pd.cut(
    weather.wind, [-1, 2.5, 4, 99], labels=["calm", "breeze", "wind"]
).astype(str)
weather["month"] = weather.date.dt.month
weather["trend"] = pd.cut(
    weather.temp_max.diff().fillna(0), [-99, -1.5, 1.5, 99], labels=["colder", "same", "warmer"]
).astype(str)
past, future = weather[weather.date.dt.year < 2015], weather[weather.date.dt.year == 2015]

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
    seen = mean_bits(model.predict(past[signs]), past.rain_tomorrow)
    unseen = mean_bits(model.predict(future[signs]), future.rain_tomorrow)
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
# *overfitting*, and you will meet it in every lesson: what counts is the score on days the model has not seen.

# %% tags=["exercise"] exercise="101.a"
### BEGIN SOLUTION
choice_a = "C"
### END SOLUTION
quiz("101.a", choice_a)

# %% [markdown]
# ### The same question, asked of your service
#
# Replace the sky by a web service: which of its metrics foretells an outage? The course has a service of its own,
# `labsupport.world`; lesson 102 takes it apart. Here it runs for four days with flash crowds. We call it an outage when
# one request in twenty takes longer than 600 ms, and ask in each calm minute: **will there be one within ten minutes?**

# %%
from labsupport.world import Service, Traffic, flash_crowds

traffic = Traffic().with_bursts(*flash_crowds(4, per_day=3, seed=SEED))
telemetry = Service(replicas=5, traffic=traffic).run(days=4, seed=SEED).telemetry
outage = telemetry.latency_p95_ms > 600
outage_soon = outage[::-1].rolling(10, min_periods=1).max()[::-1].shift(-1, fill_value=0) > 0
day = telemetry.time.dt.dayofyear
learn, judge = ~outage & (day <= 2), ~outage & (day > 2)
print(
    f"{len(telemetry)} minutes, {outage.mean():.0%} of them in an outage; {learn.sum()} calm ones to learn from, {judge.sum()} to be judged on."
)

# %% [markdown]
# Each metric alone becomes a sign with six levels, its table is learnt from two days, and the bits it saves are counted
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
    without = mean_bits(np.full(judge.sum(), model.base_rate_), outage_soon[judge])
    told[metric] = 1 - mean_bits(model.predict(sign[judge]), outage_soon[judge]) / without
told = pd.Series(told).sort_values()

figure, axes = plt.subplots(figsize=(7, 3))
axes.barh(told.index, told)
axes.set(
    title="What each metric tells about the next ten minutes",
    xlabel="share of the surprise that it saves (0 to 1)",
    ylabel="metric",
)
plots.show(
    figure,
    alt="Horizontal bars: the metrics of load save about half of the surprise, memory little, the error rate next to nothing.",
    summary="Saved: "
    + ", ".join(f"{metric} {share:.2f}" for metric, share in told[::-1].items()),
)

# %%
claim(
    "a metric of load foretells most",
    told.idxmax() in ("requests_per_s", "utilisation", "cpu_percent"),
)
claim(
    "the error rate foretells least", told.idxmin() == "error_rate" and told["error_rate"] < 0.1
)

# %% [markdown]
# The error rate, on which most of us page, says nothing **beforehand**: it moves when the outage is there. Load moves
# first. A metric is worth watching for what it foretells or for what it proves; the two lists differ.

# %% [markdown]
# ## Break it: too good, silent, and wrong
#
# ### A contract that nobody reads
#
# The handout of this course puts its list of metrics into a ConfigMap. Kubernetes accepts any text there, so a typing
# error passes every check of the cluster and is found on the day the metric is missed. `MonitoringConfig` reads the
# document and holds it to what it may contain.

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
# **Exercise 101.4 (4 minutes).** Repair the document until the contract holds and all eight metrics of the team's list are
# watched: accuracy, precision, recall, f1_score; cpu_usage, memory_usage, gpu_utilization, response_time.

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
# ### A sign that is too good
#
# A colleague sends four candidate signs, each with its score on 2015. She likes `east_wind` best.

# %%
candidates = signs_of_a_colleague(weather)
then, now = weather.date.dt.year < 2015, weather.date.dt.year == 2015
for name in candidates:
    model = TableModel().fit(candidates.loc[then, [name]], weather.rain_tomorrow[then])
    print(
        f"{name:<13} {mean_bits(model.predict(candidates.loc[now, [name]]), weather.rain_tomorrow[now]):.3f} bits a day"
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
print("Known only tomorrow:", suspicious_signs(candidates, weather.rain, weather.rain_tomorrow))

# %% [markdown]
# ### Where the world changed
#
# The honest two-number model has another fault. Compare, season by season of 2015, what it said with what came.

# %%
plain = TableModel().fit(past[["rain"]], past.rain_tomorrow)
with_season = TableModel().fit(past[["rain", "season"]], past.rain_tomorrow)
said = future.assign(
    plain=plain.predict(future[["rain"]]),
    seasonal=with_season.predict(future[["rain", "season"]]),
)
table = (
    said.groupby("season")[["plain", "seasonal", "rain_tomorrow"]]
    .mean()
    .loc[["winter", "spring", "summer", "autumn"]]
)

figure, axes = plt.subplots()
for offset, (column, label) in enumerate(
    {
        "rain_tomorrow": "what came",
        "plain": "two-number model said",
        "seasonal": "with the season as a sign",
    }.items()
):
    axes.bar(np.arange(4) + 0.27 * (offset - 1), table[column], width=0.25, label=label)
axes.set(
    title="Right on average, wrong in every season",
    xlabel="season of 2015",
    ylabel="probability of rain",
    xticks=range(4),
    xticklabels=table.index,
)
axes.legend(ncols=3, fontsize=8.5)
axes.set_ylim(0, 0.8)
plots.show(
    figure,
    alt="Bars by season: the two-number model promises too much rain in summer and too little in winter; with the season as a sign the bars come close.",
    summary=[
        f"{season}: came {row.rain_tomorrow:.2f}, two numbers {row.plain:.2f}, with season {row.seasonal:.2f}"
        for season, row in table.iterrows()
    ],
)
off = {name: (table[name] - table.rain_tomorrow).abs() for name in ("plain", "seasonal")}
claim("summer is where the two-number model is most wrong", off["plain"].idxmax() == "summer")
claim(
    "the season repairs most of that error",
    off["seasonal"]["summer"] < off["plain"]["summer"] / 2,
)

# %% [markdown]
# A model is wrong **exactly where the world is not as it was** when the numbers were learnt. Spring shows the rest of it:
# there, 2015 was drier than the springs before, and no sign of ours knew. Years differ too. Watch each year judged by a
# model of the other three.

# %%
for year in range(2012, 2016):
    others, this = weather[weather.date.dt.year != year], weather[weather.date.dt.year == year]
    model = TableModel().fit(others[["rain", "season"]], others.rain_tomorrow)
    promised = model.predict(this[["rain", "season"]])
    print(
        f"{year}: {mean_bits(promised, this.rain_tomorrow):.2f} bits a day, promised {promised.sum():.0f} rainy days, came {this.rain_tomorrow.sum()}"
    )

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
# - Two signs with one cause count once; a sign that knows too much was written down too late.
# - It is wrong exactly where the world has changed since. So watch what foretells and what proves, under a contract.

# %%
from labsupport.course.picture import system_so_far

system_so_far("101")

# %% [markdown]
# **Next**: 102 takes the service apart. Why does it fall over at 80 % load, and not at 100 %?
