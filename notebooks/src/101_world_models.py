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
#       - find a model that is too good, one whose world has changed, and a label that flatters
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
# 2012 to 2015. (Cells that only draw or set up are folded: run them, you need not read them.)

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
from labsupport.world.weather import daily_signs, seattle_weather, signs_of_a_colleague

plots.use_style()
weather = seattle_weather()

# %% tags=["draw"]
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
shown = ["date", "precipitation", "temp_max", "temp_min", "season", "rain", "rain_tomorrow"]
display(weather[shown].head(4))
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
# **Exercise 101.2 (5 minutes).** Write that score. Mind the words in bold.


# %% tags=["exercise"] exercise="101.2"
def mean_bits(probability, happened):
    """Return the mean surprise in bits per day.

    `probability`: array (days,) of forecasts that it rains;
    `happened`: boolean array (days,), whether it did.
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

# %% [markdown]
# Two numbers were learnt from the past, and 2015 is unseen. By how much do they shorten the record of its rain, compared
# with saying the same share every day? Put an interval in per cent that you would trust in 8 of 10 such cases.

# %%
guess("101.g1", low=..., high=...)

# %%
scores = {
    "coin (0.5 every day)": mean_bits(np.full(len(future), 0.5), came),
    "base rate of 2012-14": mean_bits(np.full(len(future), past.rain_tomorrow.mean()), came),
    "did it rain today?": mean_bits(forecast, came),
}
for name, score in scores.items():
    print(f"{name:<22} {score:.3f} bits a day, {score * len(future):.0f} for the year")
saved = scores["base rate of 2012-14"] - scores["did it rain today?"]
reveal("101.g1", 100 * saved / scores["base rate of 2012-14"])
claim("one sign makes the unseen year cheaper to describe", saved > 0)

# %% [markdown]
# Read the last column as a storage engineer. Whoever has the model can write down the year's rain in 316 bits instead of
# 354 (and the model itself, two numbers, is stored only once). **Compression and prediction are the same trade**: what can
# be predicted need not be stored.

# %% [markdown]
# ### A second sign, by Bayes
#
# Our data has no clouds, but clouds leave a trace: they keep the day cool and the night warm. Call a day **narrow** when
# its high and low are less than 8 degrees apart. We see a narrow day: where does our belief move?

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
# **Exercise 101.3 (6 minutes).** Write the update for any three such numbers. No formula is given: think of 1,000 days.
# How many of them come before rain **and** are narrow? How many are narrow at all?


# %% tags=["exercise"] exercise="101.3"
def bayes_update(belief, sign_if_rain, sign_if_dry):
    """Return the probability of rain after the sign was seen.

    Three numbers between 0 and 1 go in, one comes out.
    """
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
# The same number by two roads: this is *Bayes' rule*. Why use it? Counting needs a cell for every *combination* of signs. If
# we **assume** that the signs have nothing to do with each other once tomorrow's weather is given, we may apply the rule
# once for each sign and need only a pair of numbers for each. This assumption is called *naive Bayes*. Two signs, two roads:
# chain the rule, or count the days with both. Does the chain score better on 2015? Put the probability that it does.

# %%
guess("101.g2", ...)

# %%
rain_if_rain = past.rain[past.rain_tomorrow].mean()
rain_if_dry = past.rain[~past.rain_tomorrow].mean()
chained, counted = {}, {}
for narrow, rainy in [(True, True), (True, False), (False, True), (False, False)]:
    one = bayes_update(belief, *(p if narrow else 1 - p for p in (if_rain, if_dry)))
    chained[narrow, rainy] = bayes_update(
        one, *(p if rainy else 1 - p for p in (rain_if_rain, rain_if_dry))
    )
    counted[narrow, rainy] = past.rain_tomorrow[
        (past.narrow == narrow) & (past.rain == rainy)
    ].mean()
    print(
        f"{'narrow' if narrow else 'wide':<7}{'rainy' if rainy else 'dry':<6}"
        f"chained {chained[narrow, rainy]:.2f}   counted {counted[narrow, rainy]:.2f}"
    )
claim(
    "the chain is surer than the facts in both directions",
    chained[True, True] > counted[True, True] and chained[False, False] < counted[False, False],
)

# %%
days = list(zip(future.narrow, future.rain, strict=True))
said = {}
for name, table in {"chained": chained, "counted": counted}.items():
    said[name] = np.array([table[day] for day in days])
    scores[name] = mean_bits(said[name], came)
given = {name: np.where(came, each, 1 - each) for name, each in said.items()}
dearer = np.log2(given["counted"] / given["chained"])  # by how many bits, day by day
scatter = 2 * dearer.std() / np.sqrt(len(dearer))
print(f"2015, rain today alone:   {scores['did it rain today?']:.3f} bits a day")
print(f"2015, both signs chained: {scores['chained']:.3f}")
print(f"2015, both signs counted: {scores['counted']:.3f}")
print(f"the chain costs {dearer.mean():.3f} +- {scatter:.3f} bits a day more than counting")
reveal("101.g2", scores["chained"] < scores["counted"])

# %% [markdown]
# The chain is too sure, both ways. (What that costs is hardly beyond luck, says the last line.) The rule is right, the assumption is
# not: rain and narrow days are **the same clouds seen twice**. You know
# this fault: two alerts with one cause, read as
# proof of a double failure.

# %% [markdown]
# ## Use it: how many signs?
#
# `TableModel` in `labsupport.ml.table` does the counting of exercise 101.1 for any number of signs, in forty lines. It
# adds one rainy and one dry day to every row (seen once: 1/3 or 2/3); for a combination never seen it says the overall share.
# Signs have levels now: `wet` (rain), `gap` (high less low), `breeze`, `trend` (warmer, colder).

# %%
from labsupport.ml.table import TableModel

levels = daily_signs(weather)
weather[levels.columns] = levels
past, future = weather[weather.date.dt.year < 2015], weather[weather.date.dt.year == 2015]
ladders = [
    ["rain"],
    ["rain", "gap"],
    ["wet", "gap"],
    ["wet", "gap", "season"],
    ["wet", "gap", "season", "breeze"],
    ["wet", "gap", "week", "breeze", "trend"],
]
rows, gave = [], []
for signs in ladders:
    model = TableModel().fit(past[signs], past.rain_tomorrow)
    seen = mean_bits(model.predict(past[signs]), past.rain_tomorrow.to_numpy())
    said = model.predict(future[signs])
    gave.append(np.where(came, said, 1 - said))
    rows.append(
        {
            "signs": " + ".join(signs),
            "rows": len(model.table_),
            "2012-14": seen,
            "2015": mean_bits(said, came),
        }
    )
ladder = pd.DataFrame(rows)
worse = np.log2(gave[ladder["2015"].argmin()]) - np.log2(gave)
ladder["to the best"] = worse.mean(axis=1)
ladder["+-"] = 2 * worse.std(axis=1) / np.sqrt(len(future))
display(ladder.round(3))

# %% tags=["draw"]
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

# %%
last = ladder.iloc[-1]
claim(
    "the largest table is the best of all on the past", ladder["2012-14"].idxmin() == last.name
)
claim(
    "on 2015 the smallest and the largest table are worse than the best, beyond luck",
    all(ladder["to the best"].iloc[[0, -1]] > ladder["+-"].iloc[[0, -1]]),
)

# %% [markdown]
# The largest table has four rows for five days. It no longer compresses the past, it **memorises** it. This is
# *overfitting*, and you will meet it in every lesson: what counts is the score on days the model has not seen. The last two
# columns say how much worse than the best each table was on the same days, and how far that difference scatters (two
# standard errors): the tables in between are a tie.

# %% tags=["exercise"] exercise="101.a"
### BEGIN SOLUTION
choice_a = "B"
### END SOLUTION
quiz("101.a", choice_a)

# %% [markdown]
# ### The same question, asked of your service
#
# Replace the sky by a web service: which of its metrics foretells an outage? The course has a service of its own,
# `labsupport.world`; lesson 102 takes it apart. Here it runs for two weeks with flash crowds, which are sudden rushes of
# visitors. We call it an outage when one request in twenty takes longer than 400 ms (the *p95* is above 400 ms). In every
# minute without an outage we ask: **will there be one within ten minutes?**

# %%
from labsupport.world import Service, Traffic, flash_crowds
from labsupport.world.outages import in_a_row, runs, within_last, within_next

traffic = Traffic().with_bursts(*flash_crowds(14, per_day=3, seed=SEED))
telemetry = Service(replicas=5, traffic=traffic).run(days=14, seed=SEED).telemetry
day = np.arange(len(telemetry)) // 1440
outage = telemetry.latency_p95_ms > 400
soon, calm = within_next(outage, minutes=10), ~outage
print(f"{len(telemetry)} minutes, {outage.mean():.0%} in an outage.")
print(f"Of {calm.sum()} calm ones, {soon[calm].mean():.0%} have an outage within ten minutes.")

# %% [markdown]
# Each metric alone becomes a sign with six levels. Its table is learnt from the first week, and the share of the surprise
# that it saves is counted on the second, with an interval over days. It is the rain model, word for word. Is the error rate among
# the best three of seven? Put the probability that it is.

# %%
guess("101.g3", ...)

# %%
from labsupport.ml.foretold import share_saved

metrics = {
    "requests_per_s": "load",
    "utilisation": "load",
    "cpu_percent": "load",
    "queue_depth": "load",
    "latency_p95_ms": "latency",
    "memory_mb": "memory",
    "error_rate": "errors",
}
told = {
    metric: share_saved(telemetry[metric], soon, calm & (day < 7), calm & (day >= 7), day)
    for metric in metrics
}
order = sorted(metrics, key=lambda metric: told[metric].share)

# %% tags=["draw", "nbval-ignore-output"]
colors = {
    "load": plots.BLUE,
    "latency": plots.ORANGE,
    "memory": plots.GREEN,
    "errors": plots.RED,
}
figure, axes = plt.subplots(figsize=(7, 3))
for kind, color in colors.items():
    of_kind = [metric for metric in order if metrics[metric] == kind]
    share = [told[metric].share for metric in of_kind]
    ends = [
        [told[metric].share - told[metric].low for metric in of_kind],
        [told[metric].high - told[metric].share for metric in of_kind],
    ]
    at = [order.index(metric) for metric in of_kind]
    axes.barh(at, share, xerr=ends, color=color, ecolor="#888888", label=kind)
axes.set_yticks(range(len(order)), order)
axes.set(
    title="What each metric tells about the next ten minutes",
    xlabel="share of the surprise that it saves (1: all known beforehand)",
    ylabel="metric",
)
axes.legend(loc="lower right", ncols=2)
plots.show(
    figure,
    alt="Horizontal bars: the metrics of load save more than half of the surprise, latency about half, memory and the error rate next to nothing.",
    summary=["Saved:"] + [f"{metric} {told[metric]}" for metric in order[::-1]],
)

# %%
reveal("101.g3", "error_rate" in order[-3:])
claim(
    "each metric of load saves more than a third",
    all(told[metric].low > 1 / 3 for metric in metrics if metrics[metric] == "load"),
)
claim("the error rate tells next to nothing beforehand", told["error_rate"].high < 0.1)

# %% [markdown]
# So it seems: load moves first and *foretells* an outage, the error rate tells nothing beforehand. That is what a report would
# say. (Keep a doubt; the last exercise comes back to the sentence.)

# %% [markdown]
# ### A contract on what is watched
#
# What is worth watching must reach a program. A typical tutorial puts a list of metrics into a ConfigMap.
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
# The contract knows more metrics than the tutorial. Look at the last column: some are known only **when the truth
# arrives**, tomorrow or in a month.

# %%
from labsupport.monitoring.config import INFRASTRUCTURE_METRICS, MODEL_METRICS

for name, metric in (MODEL_METRICS | INFRASTRUCTURE_METRICS).items():
    print(f"{name:<20} {metric.unit:<9} known {metric.known}")

# %% [markdown]
# **Exercise 101.4 (6 minutes).** Repair the ConfigMap and lose none of the eight metrics that the tutorial means. Then add
# two that it forgot: the best of your ranking (under the contract's name for it), and the one that sees requests which are answered in time, by an error.

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
      - request_rate
      - error_rate
"""
### END SOLUTION

# %%
check("101.4", repaired)

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
    """Return the columns of `signs` (a boolean frame) that agree more with tomorrow, by `margin`."""
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

# %% tags=["draw"]
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
plots.show(
    figure,
    alt="Bars by season: in winter the two models that know winters agree with what came; in summer the model learnt in winters promises three times as much as came.",
    summary=[
        f"{season}: came {row.iloc[0]:.2f}; "
        + ", ".join(f"{name} {row[name]:.2f}" for name in said)
        for season, row in table.iterrows()
    ],
)

# %%
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
# sign: the same old data, with the season added, take most of that away.

# %% [markdown]
# ### Refute it
#
# Back to the service, and what its ranking seems to say. How an outage is defined
# was our choice: a case is `(minutes in a row, quiet minutes)`. The p95 must stay above 400 ms for so many minutes until it
# counts, and minutes with an outage in the last so many are left out. We took 1 and 0.

# %%
suppose("101.6", (1, 0))

# %% [markdown]
# **Exercise 101.6 (8 minutes).** Read the numbers behind the sentence first: would you call *that* an outage? Find a
# definition, 1 to 15 minutes in a row and 0 to 120 quiet minutes, one that a colleague on call would accept, for which the
# sentence fails: what is saved must lie below a third with its whole interval.

# %% tags=["exercise"] exercise="101.6"
### BEGIN SOLUTION
case = (5, 30)
### END SOLUTION

# %%
check("101.6", case)

# %% tags=["nbval-ignore-output"]
lasting = in_a_row(outage, 5)
quiet = ~within_last(lasting, 30)
coming = within_next(lasting, 10)
honest = {
    metric: share_saved(telemetry[metric], coming, quiet & (day < 7), quiet & (day >= 7), day)
    for metric in metrics
}
near = within_last(outage, 30)[soon & calm].mean()
start, end = runs(lasting)
print(f"{near:.0%} of the minutes before an outage lay within 30 minutes after another.")
print(f"5 in a row: {len(start)} outages, median {np.median(end - start):.0f} minutes.\n")
print(f"{'saved':<15}{'each minute counts':<27}5 in a row, 30 quiet")
for metric in order[::-1]:
    print(f"{metric:<15}{told[metric]!s:<27}{honest[metric]}")

# %%
claim("most of what seemed foretold was under way", near > 0.7)
claim(
    "of outages that last and begin in quiet, no metric saves a third",
    all(saved.high < 1 / 3 for saved in honest.values()),
)

# %% [markdown]
# At the peak of each day the p95 flaps around 400 ms. The model did not foretell an outage, it knew that one was **not yet
# over**. Flash crowds come unannounced; load tells how little room is left for one, hardly when. A forecast is worth as
# much as its label: look at the label first.

# %% [markdown]
# ## Quiz

# %% tags=["exercise"] exercise="101.c"
### BEGIN SOLUTION
choice_c = "C"
### END SOLUTION
quiz("101.c", choice_c)

# %% [markdown]
# ## Take it to work
#
# The two numbers of the rain for **a page of yours**: how often does it fire in the next quarter of an hour, after a quiet
# one and after one in which it fired? Save an answer of Prometheus that holds `ALERTS` and one series that is always there. A page that goes on foretells
# itself (quiz c), so the first line says how often it *began*.

# %%
from labsupport import own

samples = own.prometheus()  # own.prometheus("answer.json") reads yours
times = own.grid(samples[samples.metric == "kube_deployment_status_replicas_ready"]).index
fired = pd.DataFrame({"fired": times.isin(samples[samples.metric == "ALERTS"].time)})
began = fired.fired & ~fired.fired.shift(fill_value=False)
print(
    f"it fired in {fired.fired.sum()} quarters of an hour, and began in {began.sum()} of them"
)
now, then, half = fired[:-1], fired.fired[1:].to_numpy(), len(fired) // 2
model = TableModel().fit(now[:half], then[:half])
print(model.table_.round(3).rename(columns={"days": "quarters"}).to_string())
print(f"two numbers: {mean_bits(model.predict(now[half:]), then[half:]):.2f} bits")
print(
    f"one number:  {mean_bits(np.full(len(then) - half, then[:half].mean()), then[half:]):.2f}"
)

# %% [markdown]
# ## Take away
#
# - A model of the world compresses it and predicts it; the two are one thing, measured in bits.
# - It is scored on days it has not seen. On the days it learnt from, memorising always wins.
# - Two signs with one cause count for less than two; a sign that knows too much was written down too late.
# - Look at a label before you predict it: what flaps is foretold by itself.
# - A model is wrong where a sign is missing, and where its world has changed. Only the first is cured by old data.

# %%
from labsupport.course.picture import system_so_far

system_so_far("101")

# %% [markdown]
# **Next**: 102 takes the service apart. Why does it fall over at 80 % load, and not at 100 %?
