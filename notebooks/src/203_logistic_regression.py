# ---
# jupyter:
#   labs:
#     title: "Logistic regression: will this deploy fail?"
#     question: How do I turn a probability into a decision?
#     part: 2
#     will:
#       - fit a logistic regression by walking downhill, and get what scikit-learn gets
#       - foretell the precision of an alarm on another team, and see whether probabilities keep their promise
#       - choose a threshold from the price of a page at night, and say how much of the result is luck
#       - find four mistakes that raise no error, and see how holding deploys blinds the next model
#     need: Python functions, and what a probability is. Lesson 201 helps.
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# ## The bridge
#
# *No deploys on Friday.* That rule is a classifier with one feature. A careful team has a checklist instead: so many
# points for a large change, for a failed test, for a new colleague, and above ten points somebody watches the deploy.
#
# **Logistic regression is that checklist.** Points add up. The likeness ends in two places. The points of a checklist
# come from the last argument, these come from last year's deploys. And the sum becomes a **probability**, so what to do
# about it is no longer a matter of taste: it is a matter of prices.

# %% tags=["parameters"]
SEED = 0

# %% [markdown]
# ## See it: a year of deploys
#
# The simulator keeps a record of each deploy of a year: what was known before, and whether it failed.

# %% tags=["setup"]
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression as LibraryRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from labsupport import plots
from labsupport.exercises import check, claim, guess, hint, quiz, reveal, solution, suppose, use
from labsupport.world import deploy_records

plots.use_style()

# %%
records, true_probability = deploy_records(seed=SEED)
signs = {
    "300 lines or more": records.lines_changed >= 300,
    "dependency bump": records.dependency_bump,
    "at night": (records.hour >= 20) | (records.hour < 6),
    "2 failed tests or more": records.tests_failed_before >= 2,
    "author's first 20 deploys": records.author_deploys < 20,
    "Friday": records.friday,
}
failing = pd.Series({name: records.failed[shown].mean() for name, shown in signs.items()})
failing = failing.sort_values()
print(records.head(3).drop(columns="time").T.to_string(header=False))

# %% tags=["draw"]
figure, axes = plt.subplots(figsize=(6, 2.4))
axes.barh(
    failing.index,
    100 * failing,
    color=[plots.ORANGE if name == "Friday" else plots.BLUE for name in failing.index],
)
axes.axvline(100 * records.failed.mean(), color=plots.INK, linestyle=":", label="all deploys")
axes.set(
    title="Friday is not what you should fear most",
    xlabel="deploys that failed, of those with the sign (%)",
    ylabel="sign, known before",
)
axes.legend(loc="lower right")
plots.show(
    figure,
    alt="Six bars, nearly all beyond the line of all deploys; Friday's is among the shorter ones, those of large changes and dependency bumps are long.",
    summary=f"All: {records.failed.mean():.1%} of {len(records)} deploys failed. "
    + ", ".join(f"{name} {share:.1%}" for name, share in failing[::-1].items()),
)

# %% [markdown]
# The company freezes deploys on Fridays. Of the failures of that year, how many would the freeze have caught?

# %%
guess("203.g1")

# %%
print(f"The freeze on Fridays holds {records.friday.mean():.0%} of the deploys.")
reveal("203.g1", 100 * records.friday[records.failed].mean())
claim(
    "large changes and dependency bumps fail more often than the deploys of a Friday",
    failing[["300 lines or more", "dependency bump"]].min() > failing["Friday"],
)
claim(
    "what the freeze catches is its share of the deploys and at most 15 points more",
    0 < records.friday[records.failed].mean() - records.friday.mean() < 0.15,
)

# %% [markdown]
# ### Three parts
#
# A checklist that adds all signs up should do better. To say so honestly we cut the year in time, and here is the third
# part that lesson 101 promised. The first part **teaches** the points. On the second we **choose**: columns, thresholds,
# between models. Whoever picks the best of many on some data has used that data up, so the last part is opened **once**,
# to **judge**.

# %%
from labsupport.ml.deploy_risk import COLUMNS, features, split

learn, choose, judge = split(records)
for name, part in {"learn": learn, "choose": choose, "judge": judge}.items():
    print(
        f"{name:<7} {len(part)} deploys from {part.time.min():%d %b} on, {part.failed.sum()} failed"
    )
print(features(learn).head(3).T.to_string(header=False))

# %% [markdown]
# `features` makes the columns, for training and serving alike. Lines became a logarithm, because from 10 to 100 is
# as big a step as from 100 to 1,000; the hour became *night or not*.

# %% [markdown]
# ## Build it: points that add up
#
# Probabilities don't add up: two signs of 60 % can't make 120 %. **Log-odds** do. The odds of an event are
# p / (1 - p), three to one, one to nine; their logarithm runs from minus to plus infinity, with 0 for *as likely as not*.

# %%
for p in (0.01, 0.067, 0.5, 0.9, 0.99):
    print(f"probability {p:<6} odds {p / (1 - p):8.4f}   log-odds {np.log(p / (1 - p)):6.2f}")

# %% [markdown]
# The way back is the **sigmoid**: p = 1 / (1 + exp(-x)). Written like that it overflows far out, so `labsupport.ml.logistic` takes
# the exponential of negative numbers only.

# %%
from labsupport.ml.logistic import log_loss as surprise
from labsupport.ml.logistic import sigmoid

print(sigmoid([-1000, -3, 0, 3, 1000]).round(3))

# %% [markdown]
# ### Which points?
#
# Those that make the first part's deploys least surprising. The height to walk down from is lesson 101's surprise, with the natural
# logarithm: *log loss*. Its slope reads as in lesson 201, with a miss of `p - failed`: per point of a column it is the **mean of
# miss · column**. And as there, the columns are scaled before the walk.

# %%
failed = learn.failed.to_numpy(dtype=float)
scaler = StandardScaler().fit(features(learn))
scaled = np.column_stack([np.ones(len(learn)), scaler.transform(features(learn))])
weights = np.zeros(scaled.shape[1])
for step in range(2001):
    if step in (0, 10, 100, 2000):
        print(
            f"after {step:>4} steps: log loss {surprise(scaled @ weights, failed).mean():.6f}"
        )
    miss = sigmoid(scaled @ weights) - failed
    weights -= 2 * np.mean(miss[:, None] * scaled, axis=0)
by_hand = weights[1:] / scaler.scale_  # per unit of the column as it was

# %% [markdown]
# `labsupport.ml.logistic` gets there in fewer steps, and tells you of missing values and useless columns. Does scikit-learn find the same?
# (It adds a penalty on large weights unless told otherwise; `C=np.inf` tells it.)
#
# And how much of a weight is luck? We can't live the year again, but we can **draw it again**: 3,600 deploys drawn from these 3,600,
# some twice, some not at all. That is the *bootstrap*. We fit to 40 such years; the spread of a weight over them is its
# **standard error**.

# %%
from labsupport.ml.logistic import LogisticRegression
from labsupport.ml.resampling import bootstrap, interval
from labsupport.world.deploys import LINEAR, NIGHT


def weights_of(columns, failed):
    """Return the weights (k,) of a fit to these rows."""
    return LogisticRegression().fit(columns, failed).coef_[0]


ours = LogisticRegression().fit(features(learn), learn.failed)
library = LibraryRegression(C=np.inf, solver="newton-cholesky", tol=1e-8)
library.fit(features(learn), learn.failed)
found = pd.DataFrame(
    {"ours": ours.coef_[0], "scikit-learn": library.coef_[0]}, index=list(COLUMNS)
)
draws = bootstrap(weights_of, features(learn), failed, repeats=40, seed=SEED)
found["standard error"] = draws.std(axis=0, ddof=1)
found["simulator"] = pd.Series(LINEAR | {"night": NIGHT})
found["off by (s.e.)"] = (found.ours - found.simulator) / found["standard error"]
found["odds times"] = np.exp(found.ours)
display(found.round(2))
claim(
    "our points are scikit-learn's to 1e-4, and so are those of the walk",
    np.allclose(ours.coef_, library.coef_, atol=1e-4)
    and np.allclose(by_hand, library.coef_[0], atol=1e-4),
)
claim(
    "the weight of the dependency bump is off by more than two standard errors",
    found["off by (s.e.)"]["dependency_bump"] > 2,
)

# %% [markdown]
# **Read a weight as a factor**: one unit more of the column multiplies the odds by exp(weight), whatever the other columns say. What lies
# within two standard errors may be luck. The bump is farther off; remember it for the end.
#
# And **a weight is no cause**. It says which deploys fail more often, among those that people made in their usual way. If difficult
# changes are given to experienced authors, their weight looks worse than they are. What happens if you *change*
# something, only a trial tells.

# %% tags=["exercise"] exercise="203.a"
### BEGIN SOLUTION
choice_a = "B"
### END SOLUTION
quiz("203.a", choice_a)

# %% [markdown]
# ### From probability to alarm
#
# An alarm means here: the deploy is **held**, and goes out by daylight with a colleague watching. Ring when the
# probability reaches a threshold; then four counts say everything. A *positive* is an alarm, *true* means that it was
# right. With `predict()`, which rings from 0.5 on: how many of the failures does the model catch?

# %%
from labsupport.ml.classification import Confusion

guess("203.g2")

# %%
risky = ours.predict_proba(features(choose))[:, 1]
for threshold in (0.5, 0.1, 0.05):
    counts = Confusion.count(risky >= threshold, choose.failed)
    print(f"threshold {threshold}:    failed    went well")
    print(f"   held          {counts.true_positives:5}        {counts.false_positives:5}")
    print(f"   let go        {counts.false_negatives:5}        {counts.true_negatives:5}")
at_half = Confusion.count(risky >= 0.5, choose.failed)
reveal("203.g2", 100 * at_half.recall)
claim(
    "at 0.5, which is what predict() uses, nearly every failure is let go", at_half.recall < 0.2
)

# %% [markdown]
# The model is not broken. Hardly any deploy is *more likely than not* to fail, and 0.5 asks for just that. Two questions
# are put to an alarm:
#
# - **precision**: of the deploys we held, which share would have failed? TP / (TP + FP)
# - **recall**: of the deploys that failed, which share had we held? TP / (TP + FN)
#
# **F1** is their harmonic mean, 2 · precision · recall / (precision + recall): near the *smaller* of the two. And **accuracy**
# is the share of all deploys that were judged rightly, held or let go: (TP + TN) / all.

# %%
rows = {}
for threshold in (0.5, 0.2, 0.1, 0.05):
    counts = Confusion.count(risky >= threshold, choose.failed)
    rows[threshold] = counts.precision, counts.recall
    print(
        f"threshold {threshold:<4}  precision {counts.precision:.2f}  recall {counts.recall:.2f}  F1 {counts.f1:.2f}  accuracy {counts.accuracy:.2f}"
    )
claim(
    "from 0.5 to 0.05 each lower threshold has more recall and less precision",
    all(np.diff([precision for precision, _ in rows.values()]) < 0)
    and all(np.diff([recall for _, recall in rows.values()]) > 0),
)

# %% [markdown]
# Down these rows recall rises and precision falls. No row is *right*: which one you want depends on what the two kinds of
# error cost. And it depends on where you are.

# %% [markdown]
# **Exercise 203.1 (6 minutes).** A vendor shows an alarm: so much *recall*, and so many false alarms among deploys that go well. On your
# team a share of all deploys fails. What will your *precision* be, if the alarm sorts your deploys as well as the vendor's? Without
# any alarm it is 0.0.


# %% tags=["exercise"] exercise="203.1"
def precision_elsewhere(recall, false_alarm_rate, failing):
    """Return the share of right alarms, one number.

    `recall`: share of failing deploys that ring; `false_alarm_rate`: share of good deploys that ring; `failing`: share of
    deploys that fail. All are numbers from 0 to 1.
    """
    ### BEGIN SOLUTION
    right, false = recall * failing, false_alarm_rate * (1 - failing)
    return right / (right + false) if right + false else 0.0
    ### END SOLUTION


# %%
check("203.1", precision_elsewhere)

# %%
precision_elsewhere = use("203.1", precision_elsewhere)
at_tenth = Confusion.count(risky >= 0.1, choose.failed)
false_rate = at_tenth.false_positives / (at_tenth.false_positives + at_tenth.true_negatives)
print(f"at 0.1: recall {at_tenth.recall:.2f}, good deploys that ring {false_rate:.2f}")
for part_failing in (0.5, 0.2, choose.failed.mean(), 0.01):
    foretold = precision_elsewhere(at_tenth.recall, false_rate, part_failing)
    print(f"where {part_failing:5.1%} of the deploys fail: precision {foretold:.2f}")
claim(
    "on our own share it is the precision that we counted",
    np.isclose(
        precision_elsewhere(at_tenth.recall, false_rate, choose.failed.mean()),
        at_tenth.precision,
    ),
)

# %% [markdown]
# ## Use it: the pipeline
#
# A typical tutorial calls its snippet *Logistic regression deployment* (so does the handout): `LogisticRegression()`, then
# `model.fit(X_train, y_train)`, and a file. No data, no split, no score. Here it gets our columns, as the records hold them.

# %%
raw = ["lines_changed", "files_changed", "hour", "author_deploys", "tests_failed_before"]
raw += ["coverage", "dependency_bump", "friday"]
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    as_it_is = LibraryRegression().fit(learn[raw], learn.failed)
print(caught[0].category.__name__, "-", str(caught[0].message).split(" (")[0])
piped = make_pipeline(StandardScaler(), LibraryRegression()).fit(learn[raw], learn.failed)
print(f"raw columns:    {as_it_is.n_iter_[0]} steps, and not at rest")
print(f"scaled columns: {piped[-1].n_iter_[0]} steps")
claim(
    "scaled columns need less than a fifth of the steps that were not enough",
    piped[-1].n_iter_[0] < 20 and as_it_is.n_iter_[0] == 100,
)

# %% [markdown]
# It hands over an unfinished model: `lines_changed` goes to thousands, and the walk gives up. The scaler mends it, and becomes **part of
# the model**. And nothing in the snippet deploys; lesson 604 does. What it puts on the cluster is `risk`, and from here on `risk` is
# our model, too: `features`, a scaler, and scikit-learn's usual small penalty.

# %%
from labsupport.ml.deploy_risk import train

risk = train(SEED)
print(risk.pipeline)
for key in ("event", "records", "failed_share", "prices", "threshold"):
    print(f"{key:<13} {risk.metadata[key]}")
chance = risk.probability(choose)
claim(
    "the penalty moves no probability by a point in 100",
    np.abs(chance - risky).max() < 0.01,
)

# %% [markdown]
# Where does that threshold come from? Three pictures lead to it. All are drawn on the part to *choose* with.
#
# ### All thresholds at once
#
# The **ROC** curve goes through all thresholds and shows recall against the share of *good* deploys that are held by
# mistake. The **PR** curve shows precision against recall.

# %%
from labsupport.ml.classification import sweep

came = choose.failed.to_numpy()
model, truth = sweep(chance, came), sweep(true_probability[choose.index], came)
friday = Confusion.count(choose.friday, came)
friday_false = friday.false_positives / (friday.false_positives + friday.true_negatives)
print(f"{(~came).sum() / came.sum():.1f} good deploys for each that failed")
as_many = np.argsort(-chance)[: choose.friday.sum()]
print(
    f"held {len(as_many)}: the freeze catches {friday.true_positives} failures, the model {came[as_many].sum()}"
)
claim(
    "holding as many deploys as the freeze does, it catches at least half as many again",
    came[as_many].sum() > 1.5 * friday.true_positives,
)

# %% tags=["draw"]
figure, (left, right) = plt.subplots(ncols=2, figsize=(6.2, 2.7))
for curve, name, color in (
    (truth, "true probability", "#999999"),
    (model, "our model", plots.BLUE),
):
    left.plot(curve.false_alarm_rate, curve.recall, color=color, label=name)
    right.plot(curve.recall[5:], curve.precision[5:], color=color)
left.plot([0, 1], [0, 1], ":", color=plots.INK, label="blind guess")
right.axhline(came.mean(), linestyle=":", color=plots.INK)
left.plot(friday_false, friday.recall, "D", color=plots.INK, label="no deploys on Friday")
right.plot(friday.recall, friday.precision, "D", color=plots.INK)
left.set(title="ROC", xlabel="good deploys held (share)", ylabel="recall (share)")
right.set(title="PR", xlabel="recall (share)", ylabel="precision (share)", ylim=(0, 1))
left.legend(loc="lower right", fontsize=8)
plots.show(
    figure,
    alt="Left: two bent curves close together, far above the diagonal; the Friday rule lies near it. Right: precision falls from left to right towards the share of failures.",
    summary=f"Area under ROC {model.roc_area:.2f} (truth {truth.roc_area:.2f}, blind 0.5); average precision {model.average_precision:.2f} (truth {truth.average_precision:.2f}, blind {came.mean():.2f}). Friday: recall {friday.recall:.2f}, precision {friday.precision:.2f}.",
)

# %%
from sklearn.metrics import average_precision_score, roc_auc_score

claim(
    "both areas are scikit-learn's",
    np.isclose(model.roc_area, roc_auc_score(came, chance))
    and np.isclose(model.average_precision, average_precision_score(came, chance)),
)
claim(
    "the model sorts deploys nearly as well as the truth itself",
    model.roc_area > truth.roc_area - 0.05,
)
# %% [markdown]
# The area under ROC is the chance that a failing deploy gets a higher score than a good one. The grey curve is the best that
# these columns allow (in the long run: on 1,200 deploys luck may lift us above it). The rest is chance.
#
# The left picture looks better than the right one, with the same alarms. One good deploy in ten held by mistake sounds
# little; but with thirteen good ones for each that fails, these are more than one false alarm per failure. **When events
# are rare, look at the right picture**: that is what your colleagues feel.

# %% tags=["exercise"] exercise="203.b"
### BEGIN SOLUTION
choice_b = "C"
### END SOLUTION
quiz("203.b", choice_b)

# %% [markdown]
# ### Do the probabilities keep their promise?
#
# Of all deploys that were given about 10 %, one in ten should fail. A model of which this holds is **calibrated**. Curves
# can't show it: halve every probability, and ROC and PR stay the same. So sort the deploys into six bins by what was promised: up
# to 2 %, to 4 %, and so on.

# %%
edges = [0, 0.02, 0.04, 0.07, 0.12, 0.25, 1]


def kept_promises(probability, failed):
    """Return, for each bin, what was promised, what came, and how many: shape (6, 3)."""
    inside = np.digitize(probability, edges[1:-1])
    return np.array(
        [
            (
                probability[inside == bin].mean(),
                failed[inside == bin].mean(),
                sum(inside == bin),
            )
            for bin in range(6)
        ]
    )


bins = kept_promises(chance, came)
error = 1.96 * np.sqrt(bins[:, 0] * (1 - bins[:, 0]) / bins[:, 2])
kept = np.abs(bins[:, 0] - bins[:, 1]) <= error
claim("at least five of six bins of the part lie within luck", kept.sum() >= 5)

# %% tags=["draw"]
figure, axes = plt.subplots(figsize=(5.6, 3))
axes.plot([0.008, 0.7], [0.008, 0.7], ":", color=plots.INK, label="promise kept")
axes.vlines(
    bins[:, 0],
    np.maximum(bins[:, 0] - error, 0.003),
    bins[:, 0] + error,
    color="#999999",
    label="luck of a bin this size (95 %)",
)
axes.plot(bins[:, 0], np.maximum(bins[:, 1], 0.003), "o", color=plots.BLUE, label="came")
axes.set(
    title=f"{kept.sum()} of 6 bins keep their promise within luck",
    xlabel="promised (mean probability of the bin)",
    ylabel="came (share that failed)",
    xscale="log",
    yscale="log",
    ylim=(0.0025, 1),
)
marks = [0.01, 0.03, 0.1, 0.3]
axes.set_xticks(marks, [f"{mark:g}" for mark in marks])
axes.set_yticks(marks, [f"{mark:g}" for mark in marks])
axes.minorticks_off()
axes.legend(loc="upper left", fontsize=8)
plots.show(
    figure,
    alt="Six points along the diagonal of a picture with logarithmic axes, most of them within grey bars around it; the bars are longest at the lower left, where failures are few.",
    summary=[
        f"promised {promised:.3f}, came {share:.3f} ({size:.0f} deploys)"
        for promised, share, size in bins
    ],
)

# %% [markdown]
# Bars of 95 % leave out one bin in twenty, and with six bins somebody is left out every fourth time. Is a point beside its
# bar luck, or a broken promise? In life you wait for more deploys. The simulator draws 40,000 at once, from the same world:

# %%
more, _ = deploy_records(40_000, seed=SEED + 500)
world_chance, world_failed = risk.probability(more), more.failed.to_numpy()
world = kept_promises(world_chance, world_failed)
luck = 1.96 * np.sqrt(world[:, 0] * (1 - world[:, 0]) / world[:, 2])
for (promised, happened, size), beyond in zip(world, luck, strict=True):
    print(
        f"{size:>5.0f} deploys: promised {promised:.3f}, came {happened:.3f}; luck explains {beyond:.3f}"
    )
claim(
    "in the large world no bin is off by more than 4 points in 100",
    np.abs(world[:, 0] - world[:, 1]).max() < 0.04,
)

# %% [markdown]
# Each bin comes near its promise. Where one is off by more than luck explains, ask what a weighted sum cannot say: the last exercise does.
#
# ### The price of a page at night
#
# Holding a deploy costs an hour of the colleague who watches: 60 €. A failure that nobody watched pages someone at night: 600 €.
#
# A deploy with probability p costs p · 600 € on average if let go, 60 € if held. So **hold it when p · 600 > 60**, that is
# when p > 60 / 600 = 0.1. The price ratio *is* the threshold. But only if 10 % means 10 %, and if a failure that was watched costs
# no more than the hour. For any other score, search.

# %% [markdown]
# **Exercise 203.2 (6 minutes).** Search: return the candidate that costs least in total on these deploys. Hold a deploy when its
# score is *at or above* the threshold. Every held deploy costs `hold_cost`, every failure that was let go `page_cost`.


# %% tags=["exercise"] exercise="203.2"
def cheapest_threshold(score, failed, candidates, hold_cost, page_cost):
    """Return the one of `candidates` (m,) with the lowest total cost. `score` (n,): floats; `failed` (n,): booleans."""
    ### BEGIN SOLUTION
    costs = []
    for threshold in candidates:
        held = score >= threshold
        costs.append(hold_cost * held.sum() + page_cost * (failed & ~held).sum())
    return candidates[np.argmin(costs)]
    ### END SOLUTION


# %%
check("203.2", cheapest_threshold)

# %%
from labsupport.ml.thresholds import Prices

cheapest_threshold = use("203.2", cheapest_threshold)
prices = Prices(alarm=60, missed=600)
by_search = cheapest_threshold(chance, came, np.unique(chance), 60, 600)
print(f"price ratio {prices.threshold:.3f}, cheapest on this part {by_search:.3f}")

# %% [markdown]
# ### How much is luck?
#
# The two differ. Is that merit or luck? Draw these 1,200 deploys again, a thousand times, and see how far the cheapest threshold
# moves.


# %%
candidates = np.sort([*np.arange(0.01, 0.41, 0.005), by_search])


def cost_curve(score, failed):
    """Cost per deploy (euros) at each candidate threshold: shape (candidates,)."""
    held = score[:, None] >= candidates
    return (60 * held + 600 * (failed[:, None] & ~held)).mean(axis=0)


curves = bootstrap(cost_curve, chance, came, repeats=300, seed=SEED)
low, high = np.quantile(curves, [0.025, 0.975], axis=0)
thresholds = bootstrap(prices.cheapest_threshold, chance, came, seed=SEED)
t_low, t_high = interval(thresholds)
curve = cost_curve(chance, came)
claim(
    "the price ratio lies within the luck of the cheapest threshold",
    t_low < prices.threshold < t_high,
)
print(f"cheapest threshold {by_search:.3f}, in 95 % of the draws {t_low:.2f} to {t_high:.2f}")

# %% tags=["draw"]
figure, axes = plt.subplots(figsize=(6, 2.8))
axes.fill_between(candidates, low, high, color="#d3e7f4", label="luck (95 %)")
axes.plot(candidates, curve, color=plots.BLUE, label="cost on this part")
axes.axhline(600 * came.mean(), color=plots.ORANGE, linestyle="--", label="hold nothing")
axes.axhline(60, color=plots.RED, linestyle="--", label="hold everything")
axes.axvline(prices.threshold, color=plots.INK, linestyle=":", label="price ratio")
axes.set(
    title="A wide valley: the exact threshold matters little",
    xlabel="threshold (probability from which a deploy is held)",
    ylabel="cost (euros per deploy)",
    ylim=(0, 68),
)
axes.legend(ncols=2, loc="lower right")
plots.show(
    figure,
    alt="The cost falls steeply from the left, has a wide valley around 0.1 and rises slowly to the cost of holding nothing; a band around it is wider than the valley's depth near its bottom.",
    summary=f"Lowest {curve.min():.1f} euros per deploy at {candidates[curve.argmin()]:.3f}; at the price ratio {np.interp(0.1, candidates, curve):.1f}; hold nothing {600 * came.mean():.1f}, hold everything 60.",
)

# %% [markdown]
# So these data can't tell the searched threshold from the price ratio. Then we take **the ratio**: it has no luck in it, and
# when the prices change it changes with them. The search remains as a check, and for scores that are no probabilities.

# %% [markdown]
# ### Judge, once
#
# All is chosen: columns, model, threshold. Now the last part may be opened.

# %%
held, failed_last = risk.hold(judge), judge.failed.to_numpy()
ways = {
    "hold nothing": np.zeros(len(judge), dtype=bool),
    "no deploys on Friday": judge.friday.to_numpy(),
    "our model at 0.1": held,
}
for name, rung in ways.items():
    spread = interval(bootstrap(prices.per_example, rung, failed_last, seed=SEED))
    counts = Confusion.count(rung, failed_last)
    print(
        f"{name:<21} {prices.per_example(rung, failed_last):5.1f} euros per deploy ({spread[0]:.0f} to {spread[1]:.0f}), held {rung.mean():.0%}, recall {counts.recall:.2f}, precision {counts.precision:.2f}"
    )


# %%
def saving(rung, failed):
    """Euros per deploy that the alarms save against holding nothing."""
    return prices.per_example(np.zeros_like(rung), failed) - prices.per_example(rung, failed)


saved = bootstrap(saving, held, failed_last, seed=SEED)
print(
    f"saved: {saving(held, failed_last):.1f} euros per deploy, 95 % interval {interval(saved)[0]:.1f} to {interval(saved)[1]:.1f}"
)
claim("the model saves money in at least 19 of 20 redrawn parts", (saved > 0).mean() > 0.95)
claim(
    "on the same deploys the freeze on Fridays saves less than half as much",
    saving(ways["no deploys on Friday"], failed_last) < saving(held, failed_last) / 2,
)

# %% [markdown]
# The intervals of the three lines overlap, and still the saving is safe. Why? All three ways were tried **on the same
# deploys**: a bad month is bad for each of them. Compare what happened to the *same* rows, not two intervals. (Do your incidents come
# in runs, or from one team? Then draw weeks, or teams, not rows.)

# %% [markdown]
# ### What holding does to the data
#
# A year goes by. Held deploys go out with a colleague watching, and let us say that no failure slips through: good. Then somebody
# trains the model again, on the new year's records, in which a held deploy did *not fail*. How many of the failures will that model
# catch?

# %%
guess("203.g3")

# %%
year, _ = deploy_records(seed=SEED + 1000)
held_then = risk.hold(year)
later, _ = deploy_records(20_000, seed=SEED + 2000)
half_seen = np.random.default_rng(SEED).random(len(year)) < 0.5
again = {
    "as recorded; the watcher saved all held ones": year.failed & ~held_then,
    "as recorded; the watcher saved every other": year.failed & ~(held_then & half_seen),
    "held ones labelled: would they have failed?": year.failed,
}
caught_by = {"first year's model": Confusion.count(risk.hold(later), later.failed)}
for name, label in again.items():
    retrained = make_pipeline(StandardScaler(), LibraryRegression()).fit(features(year), label)
    rung = retrained.predict_proba(features(later))[:, 1] >= prices.threshold
    caught_by[name] = Confusion.count(rung, later.failed)
for name, counts in caught_by.items():
    print(f"{name:<46} recall {counts.recall:.2f}, precision {counts.precision:.2f}")
blind, half_blind, _ = (caught_by[name] for name in again)
reveal("203.g3", 100 * blind.recall)
claim("trained on what it prevented, the model catches next to nothing", blind.recall < 0.05)
claim(
    "with a watcher who prevents half, it loses at least a tenth of the failures",
    half_blind.recall < caught_by["first year's model"].recall - 0.1,
)

# %% [markdown]
# The first model worked, so its worst deploys no longer fail, so they look safe. A less able watcher leaves more to learn from.
# **An alarm that is acted upon changes its own labels.** Write down for each held deploy what the colleague found (*would this have
# failed?*; our last line takes it that all were found), or let a few risky ones, chosen by lot, go as if nothing had rung. And keep
# in each record that it was held.

# %% tags=["exercise"] exercise="203.c"
### BEGIN SOLUTION
choice_c = "C"
### END SOLUTION
quiz("203.c", choice_c)

# %% [markdown]
# ### Does it carry over?
#
# The same code, on something that no simulator made: 569 breast tumours, 30 measurements each, bundled with scikit-learn.
# The event is *malignant* (in the file 1 means **benign**). 30 columns tell the 426 tumours to learn from apart without an error, so
# without a penalty the weights would grow for ever. We take scikit-learn's, `C=1`: large weights cost something.

# %%
from scipy.stats import binomtest
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

tumours, benign = load_breast_cancer(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(
    tumours, benign == 0, test_size=0.25, stratify=benign, random_state=SEED
)
tumour_model = make_pipeline(StandardScaler(), LogisticRegression(C=1)).fit(X_train, y_train)
tumour_library = make_pipeline(StandardScaler(), LibraryRegression(tol=1e-8, max_iter=1000))
tumour_library.fit(X_train, y_train)
counts = Confusion.count(tumour_model.predict(X_test), y_test)
ends = binomtest(counts.true_positives, int(y_test.sum())).proportion_ci(method="wilson")
print(
    f"precision {counts.precision:.2f}, recall {counts.recall:.2f} ({ends.low:.2f} to {ends.high:.2f})"
)
claim(
    "with the penalty too our weights are scikit-learn's to 1e-4",
    np.allclose(tumour_model[-1].coef_, tumour_library[-1].coef_, atol=1e-4),
)

# %% [markdown]
# Far better numbers: these measurements know nearly everything, deploy records know little. And 0.5, the threshold of `predict`, is
# nobody's choice here either: what a missed tumour costs is not ours to say.

# %% [markdown]
# ## Break it: four mistakes that raise no error
#
# ### 1. Accuracy when events are rare
#
# A team with good habits: of its deploys only 1 % fail. A colleague proposes a model with an accuracy of 99 %. Beside it
# stands ours at 0.1, and what you foretold of its precision: from our own team's recall, which has the luck of few failures in it.

# %%
rng = np.random.default_rng(SEED)
failures = np.flatnonzero(more.failed)
keep = rng.choice(failures, round((~more.failed).sum() / 99), replace=False)
calm = more[~more.failed | more.index.isin(keep)]
calm_chance, calm_failed = risk.probability(calm), calm.failed.to_numpy()
silent = Confusion.count(np.zeros(len(calm), dtype=bool), calm_failed)
counts = Confusion.count(calm_chance >= 0.1, calm_failed)
for name, each in {"always no": silent, "our model at 0.1": counts}.items():
    print(
        f"{name:<17} accuracy {each.accuracy:.3f}, recall {each.recall:.2f}, precision {each.precision:.3f}"
    )
share = calm_failed.mean()


def foretold(rung, failed):
    """Return the precision to expect where `share` of the deploys fails, from our own team's alarms."""
    return precision_elsewhere(rung[failed].mean(), rung[~failed].mean(), share)


at_home = Confusion.count(chance >= 0.1, came)
f_low, f_high = interval(bootstrap(foretold, chance >= 0.1, came, seed=SEED))
print(
    f"foretold for {share:.1%} failing: precision {foretold(chance >= 0.1, came):.3f}, "
    f"95 % interval {f_low:.3f} to {f_high:.3f}; at home it is {at_home.precision:.2f}"
)
claim(
    "'always no' is 99 % accurate and catches nothing",
    silent.accuracy > 0.989 and silent.recall == 0,
)
claim(
    "the model that catches more than a third of the failures is less accurate",
    counts.recall > 1 / 3 and counts.accuracy < silent.accuracy - 0.05,
)
claim(
    "its precision falls below a quarter of that at home, as was foretold",
    counts.precision < at_home.precision / 4 and f_high < at_home.precision / 3,
)

# %% [markdown]
# **Symptom**: a high accuracy, close to the share of the commoner class. **Repair**: print what "always no" would get
# beside it; judge by recall, precision and cost. (The fall was foretold. The exact number is no surer than the recall that it starts from, and that was lucky
# here: lower on each later part.)

# %% [markdown]
# ### 2. The threshold tuned on the test set
#
# "We tried all thresholds on the test set and report the cheapest." In a simulator we can measure what this is worth:
# draw 200 test sets of 300 deploys, tune on each, and look up what the chosen threshold costs on all 40,000.

# %%
tests = []
rng = np.random.default_rng(SEED)
for _ in range(200):
    few = rng.integers(0, len(more), 300)
    tuned = prices.cheapest_threshold(world_chance[few], world_failed[few])
    tests.append(
        {
            "tuned": prices.per_example(world_chance[few] >= tuned, world_failed[few]),
            "in the world": prices.per_example(world_chance >= tuned, world_failed),
            "ratio, same test set": prices.per_example(
                world_chance[few] >= prices.threshold, world_failed[few]
            ),
            "ratio, in the world": prices.per_example(
                world_chance >= prices.threshold, world_failed
            ),
        }
    )
reported = pd.DataFrame(tests).mean()
print((reported.round(1).astype(str) + " euros per deploy").to_string())
optimism = reported["in the world"] - reported["tuned"]
claim("tuning on the test set promises at least 2 euros per deploy too much", optimism > 2)
claim(
    "a threshold fixed beforehand promises what it keeps, to 1 euro",
    abs(reported["ratio, same test set"] - reported["ratio, in the world"]) < 1,
)

# %% [markdown]
# **Symptom**: none. The report is simply too good, and production is worse. It grows with the number of things tried and
# shrinks with the size of the set. **Repair**: choose on one part, report from another.

# %% [markdown]
# ### 3. A choice before the split
#
# "We chose the 20 best of 500 columns, then cross-validated." Here the columns are pure noise and the answers a coin, so an
# honest accuracy is 0.5. Beside it the repair: the selection is a part of the model, and is fitted anew in each fold.

# %%
rng = np.random.default_rng(SEED)
noise, leaky, honest = rng.normal(size=(100, 500)), [], []
pipeline = make_pipeline(SelectKBest(k=20), LibraryRegression())
for _ in range(12):
    coin = rng.permutation(np.arange(100) < 50)
    chosen = SelectKBest(k=20).fit_transform(noise, coin)
    leaky.append(cross_val_score(LibraryRegression(), chosen, coin, cv=5).mean())
    honest.append(cross_val_score(pipeline, noise, coin, cv=5).mean())
for name, scores in {"before the split": leaky, "inside each fold": honest}.items():
    print(
        f"selected {name}, twelve coins: accuracy {min(scores):.2f} to {max(scores):.2f}, mean {np.mean(scores):.2f}"
    )
claim("the selection's leak turns coins into a good model", np.mean(leaky) > 0.7)
claim(
    "honestly scored, coins are coins again: on average within 0.06 of a half",
    abs(np.mean(honest) - 0.5) < 0.06,
)

# %% [markdown]
# Whatever is *learnt* from rows belongs behind the split, a scaler's means included. A **pipeline** puts it there by itself.

# %% [markdown]
# ### 4. Probabilities that are none
#
# "Failures are rare, so we set `class_weight='balanced'`." Each failure then counts as much as all
# the good deploys that stand against it, and the model learns a world in which every second deploy fails.

# %%
guess("203.g4")

# %%
balanced = make_pipeline(StandardScaler(), LibraryRegression(class_weight="balanced"))
balanced.fit(features(learn), learn.failed)
louder = balanced.predict_proba(features(choose))[:, 1]
weight = (~learn.failed).sum() / learn.failed.sum()
print(f"each failure counts as {weight:.1f} good deploys")
mended = sigmoid(np.log(louder / (1 - louder)) - np.log(weight))
for name, said in {"plain": chance, "balanced": louder, "balanced, mended": mended}.items():
    print(
        f"{name:<17} promised {said.mean():.2f}, came {came.mean():.2f}; ROC {sweep(said, came).roc_area:.3f}; at 0.1 it holds {np.mean(said >= 0.1):.0%} and costs {prices.per_example(said >= 0.1, came):.0f}"
    )

costs = [prices.per_example(louder >= 0.1, came), 600 * came.mean()]
reveal("203.g4", bool(costs[0] < costs[1]))
claim(
    "balanced promises more than four times as many failures as came",
    louder.mean() > 4 * came.mean(),
)
claim(
    "it sorts the deploys as the plain model does, to 0.02",
    abs(sweep(louder, came).roc_area - model.roc_area) < 0.02,
)
claim(
    "mended by one subtraction it promises what came, to 2 points in 100",
    abs(mended.mean() - came.mean()) < 0.02,
)
claim(
    "at the price ratio balanced costs more than holding nothing",
    prices.per_example(louder >= 0.1, came) > prices.per_example(came & False, came),
)

# %% [markdown]
# The order of the deploys hardly changes; the *probabilities* are no longer any, and the price ratio, which believes them,
# holds nearly everything. **Symptom**: the mean promise is far from the share that came. **Repair**: don't weight, move
# the threshold; or subtract log(weight) from the log-odds. The same is due after throwing away good rows to "balance" the
# data.

# %% [markdown]
# ### Refute it
#
# Bin by bin the model comes near its promise. Is it so in every slice of the deploys? In that of large changes, for instance:

# %%
suppose("203.3", "lines_changed >= 300")

# %% [markdown]
# **Exercise 203.3 (7 minutes).** Refute that. A case is a slice in words of pandas' `query`, such as `"friday and hour >= 20"`. The check
# draws 40,000 new deploys and compares what our model promised there with what came. The columns are:

# %%
print(", ".join(more.columns.drop(["failed", "time"])))

# %% tags=["exercise"] exercise="203.3"
### BEGIN SOLUTION
case = "dependency_bump and coverage < 0.65"
### END SOLUTION

# %%
check("203.3", case)

# %% [markdown]
# Calibrated on average is not calibrated for everybody. A sum of points can't say *both together*, so it gives one sign a part of the
# blame: that is why the bump's weight was off by more than luck.

# %% [markdown]
# ## Quiz

# %% tags=["exercise"] exercise="203.d"
### BEGIN SOLUTION
choice_d = "D"
### END SOLUTION
quiz("203.d", choice_d)

# %% [markdown]
# ## Take it to work
#
# From which probability should **one of your deploys** be held? A CSV with a time, an outcome and whatever you know before a
# deploy is enough. Put in your prices. Look at the interval: does holding save money at all?

# %%
import numpy as np
from sklearn.linear_model import LogisticRegression as LibraryRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from labsupport import own
from labsupport.ml.resampling import bootstrap, interval
from labsupport.ml.thresholds import Prices

prices = Prices(alarm=60, missed=600)  # a colleague's hour, a page at night, in euros: yours
deploys = own.deploys()  # own.deploys("deploys.csv") reads yours
known = deploys.select_dtypes(["number", "bool"]).drop(columns="failed")
cut = len(deploys) * 7 // 10
rule = make_pipeline(StandardScaler(), LibraryRegression()).fit(
    known[:cut], deploys.failed[:cut]
)
hold = rule.predict_proba(known[cut:])[:, 1] >= prices.threshold
gain = hold * (prices.missed * deploys.failed[cut:] - prices.alarm)  # what holding has saved
low, high = interval(bootstrap(np.mean, gain))
print(f"hold from {prices.threshold:.0%} on: {hold.mean():.0%} of the deploys")
print(f"saves {low:.0f} to {high:.0f} euros a deploy (95 %)")

# %% [markdown]
# ## Take away
#
# - Logistic regression is a learnt checklist: points add up to log-odds, the sigmoid makes them a probability.
# - Precision is what your colleagues feel, recall what your customers feel. Accuracy praises silence.
# - A calibrated probability and two prices give the threshold: what an alarm costs over what a miss costs.
# - One part teaches, one chooses, one judges, once; what learns from rows belongs into the pipeline. Compare on the same rows.
# - Calibrated on average is not calibrated in each slice. And who holds deploys no longer sees them fail: record what was held.

# %%
from labsupport.course.picture import system_so_far

system_so_far("203")

# %% [markdown]
# **Next**: 204 grows a tree that can see *two signs together*, which no sum can, and keeps a record of every model you try.
