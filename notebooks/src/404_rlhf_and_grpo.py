# ---
# jupyter:
#   labs:
#     title: "RLHF and GRPO"
#     question: How is a policy trained towards what people prefer, or what a program can check, and when does it go too far?
#     part: 4
#     will:
#       - turn comparisons into a reward, and see a policy exploit it
#       - keep a policy on a leash, and pay for finding out how long it should be
#       - build GRPO's advantage, and set it beside PPO and REINFORCE with equal answers
#       - judge what a tutorial says of PPO and GRPO, and break a verifier
#     need: Lesson 402 (policy gradients, baseline, PPO's clip and critic). Some NumPy.
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# ## The bridge
#
# Pay an on-call team by closed tickets, and tickets get closed. Nobody cheats; the number was a **proxy** for what you wanted, and it
# stops being one when people work for it. A policy works for its reward and for nothing else, thousands of times an hour.
#
# The likeness ends twice. People know what you meant, and mostly do it. And a policy can be kept on a **leash**: it pays for each step away
# from a policy that you know, as a canary keeps most traffic on the old version.

# %% tags=["parameters"]
SEED = 0

# %% [markdown]
# ## See it: plans for incidents
#
# A policy writes plans: four actions out of twelve, word by word, for one of four incidents. It was first taught to imitate what people
# did: that is the **reference**. Raters then saw pairs of its plans, 2,000 times, and said which one they prefer. A reward was learnt
# from that, and the policy trained on it for 150 updates. What plans are *truly* worth we know only because we made this world.

# %% tags=["setup"]
import inspect
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from labsupport import plots
from labsupport.exercises import check, claim, guess, hint, quiz, reveal, solution, suppose, use

plots.use_style()
SEEDS = [10 * SEED + one for one in range(5)]

# %%
from labsupport.rl import rlhf
from labsupport.rl.remediation import INCIDENTS, in_words

cases = [rlhf.prepare(seed) for seed in SEEDS]  # five companies, each with a truth of its own
told = cases[0].comparisons
for n in range(3):
    print(f"{INCIDENTS[told.incidents[n]]}: which plan is better?")
    print(f"   {'->' if told.won[n] else '  '} {in_words(told.first[n])}")
    print(f"   {'  ' if told.won[n] else '->'} {in_words(told.second[n])}")
free = [list(rlhf.follow(case, seed)) for case, seed in zip(cases, SEEDS, strict=True)]
guess("404.g1", ...)

# %% tags=["draw", "nbval-ignore-output"]
figure, axes = plt.subplots(figsize=(7, 2.7))
for name, color, style in (("proxy", plots.ORANGE, "--"), ("truth", plots.BLUE, "-")):
    points = np.array([[look.__dict__[name] for look in run] for run in free])
    axes.plot(
        points.mean(axis=0),
        style,
        color=color,
        label={"proxy": "by the reward that was learnt", "truth": "true worth"}[name],
    )
    axes.fill_between(
        range(points.shape[1]),
        points.min(axis=0),
        points.max(axis=0),
        color=color,
        alpha=0.15,
        linewidth=0,
    )
axes.set(
    title="Five companies: what the plans are worth", xlabel="update", ylabel="points a plan"
)
axes.legend(loc="center right")
truth = np.array([[look.truth for look in run] for run in free])
proxy = np.array([[look.proxy for look in run] for run in free])
plots.show(
    figure,
    alt="Two curves over 150 updates. By the learnt reward, plans get better all the time. Their true worth rises for about a dozen updates, and then falls far below where it began.",
    summary=f"By the learnt reward {proxy[:, 0].mean():.1f} points at first and {proxy[:, -1].mean():.1f} at the end; in truth {truth[:, 0].mean():.1f} at first, {truth.mean(axis=0).max():.1f} at best, {truth[:, -1].mean():.1f} at the end.",
)

# %%
from labsupport.dl.contest import paired

before = [
    rlhf.judged(case, case.reference, seed) for case, seed in zip(cases, SEEDS, strict=True)
]
after = [
    rlhf.judged(case, run[-1].weights, seed)
    for case, run, seed in zip(cases, free, SEEDS, strict=True)
]
means = {
    when: np.array([[part.mean() for part in each] for each in found])
    for when, found in (("before", before), ("after", after))
}
for column, name in enumerate(("by the reward", "true worth")):
    gap = paired(means["after"][:, column], means["before"][:, column])
    print(
        f"{name:<14} after minus before: {gap[0]:+.1f} points ({gap[1]:+.1f} to {gap[2]:+.1f})"
    )
    claim(f"{name} changed beyond chance", gap[1] > 0 if column == 0 else gap[2] < 0)
reveal("404.g1", bool(np.median(means["after"][:, 1] - means["before"][:, 1]) > 0))

# %% [markdown]
# This is **over-optimisation**: the proxy rises, the truth falls. (That the curves begin apart says nothing: where a learnt reward has its zero is
# arbitrary.) Look at what the policy writes now:

# %%
from labsupport.rl.remediation import WRITER, prompts
from labsupport.rl.sequences import write

rng = np.random.default_rng(SEED)
for incident, name in enumerate(INCIDENTS):
    plan = write(WRITER, free[0][-1].weights, prompts(np.array([incident])), rng).sentences[0]
    print(f"{name:<22} {in_words(plan)}")

# %% [markdown]
# ## Build it: from preferences to a reward
#
# **Bradley and Terry** (1952) make a scale of comparisons: if one plan is *a* points ahead of another, it is preferred with a chance of
# 1 / (1 + e⁻ᵃ). One point ahead wins 73 %, three points 95 %. So the reward model is lesson 203's logistic regression, on *differences*.

# %%
from labsupport.rl import preferences

print(inspect.getsource(preferences.fit))

# %%
from sklearn.linear_model import LogisticRegression

library = LogisticRegression(fit_intercept=False, C=1.0, tol=1e-10, max_iter=1000).fit(
    told.differences(), told.won
)
off = np.abs(library.coef_[0] - cases[0].reward).max()
print("largest difference to scikit-learn below 0.0001:", bool(off < 1e-4))
fresh = [
    rlhf.compare(case.world, case.reference, 2000, np.random.default_rng(900 + seed))
    for case, seed in zip(cases, SEEDS, strict=True)
]
agrees = [
    preferences.agreement(each.differences(), each.won, case.reward)
    for each, case in zip(fresh, cases, strict=True)
]
ceiling = [
    np.mean(
        (
            case.world.worth(each.incidents, each.first)
            > case.world.worth(each.incidents, each.second)
        )
        == each.won
    )
    for each, case in zip(fresh, cases, strict=True)
]
for who, shares in (("the reward model", agrees), ("the true worth", ceiling)):
    print(f"{who:<16} agrees with raters:", ", ".join(f"{share:.0%}" for share in shares))
claim("our fit is scikit-learn's", off < 1e-4)
claim("on the reference's plans it agrees well beyond chance", min(agrees) > 0.6)
claim("nor does the truth itself reach 85 %", max(ceiling) < 0.85)

# %% [markdown]
# It agrees about pairs that it has not seen; and raters misjudge close pairs, so 100 % is out of reach for anybody: the **ceiling** is what
# the truth would get. What keeps the model below it? It counts actions, and can't say "the same thing twice does harm".
# While plans like people's are compared, that matters little. The trained policy writes nothing else. **A reward model is at its best where
# it was taught, and the policy is paid for leaving that place.** Do more comparisons help, or a better model?

# %%
from labsupport.rl.remediation import features_with_repeats

ways = {
    "2,000 comparisons": {},
    "20,000 comparisons": {"pairs": 20_000},
    "2,000, and a column for repetitions": {"sees": features_with_repeats},
}
ends = {}
for name, change in ways.items():
    ends[name] = []
    for seed in SEEDS:
        case = rlhf.prepare(seed, **change)
        *_, last = rlhf.follow(case, seed)
        ends[name].append(rlhf.judged(case, last.weights, seed)[1].mean())
    print(f"{name:<36} true worth at the end {np.mean(ends[name]):+.1f} points a plan")
claim(
    "ten times as many comparisons do not save it",
    max(ends["20,000 comparisons"]) < means["before"][:, 1].min(),
)
claim(
    "a model that sees the harm does",
    min(ends["2,000, and a column for repetitions"]) > means["before"][:, 1].max(),
)

# %% [markdown]
# If you know what your reward model is blind to, teach it. With language nobody knows all of that. Then you need what follows.

# %% tags=["exercise"] exercise="404.a"
### BEGIN SOLUTION
choice_a = "C"
### END SOLUTION
quiz("404.a", choice_a)

# %% [markdown]
# ### The leash
#
# We can't see the truth. But we can see how far the policy has moved from the reference. For a plan it is log(policy / reference): 0 if
# both write it as often, 2.3 if the policy writes it ten times as often. The mean over the policy's own plans is the **KL divergence**, in *nats*. The
# leash takes it off the reward: *points − leash × log(policy / reference)*. Seven leashes, five companies:

# %%
LEASHES = (0, 0.05, 0.1, 0.2, 0.5, 1, 2)
rows = []
for leash in LEASHES:
    for case, seed in zip(cases, SEEDS, strict=True):
        *_, last = rlhf.follow(case, seed, rlhf.Settings(leash=leash))
        points, worth = rlhf.judged(case, last.weights, seed)
        rows.append(
            {"leash": leash, "kl": last.kl, "proxy": points.mean(), "truth": worth.mean()}
        )
by_leash = pd.DataFrame(rows).groupby("leash").mean()

# %% tags=["draw", "nbval-ignore-output"]
figure, axes = plt.subplots(figsize=(7, 2.9))
axes.plot(
    by_leash.kl,
    by_leash.proxy,
    "s--",
    color=plots.ORANGE,
    label="by the reward that was learnt",
)
axes.plot(by_leash.kl, by_leash.truth, "o-", color=plots.BLUE, label="true worth")
axes.axhline(
    means["before"][:, 1].mean(),
    color=plots.INK,
    ls=":",
    lw=1,
    label="true worth of the reference",
)
for leash, row in by_leash.iterrows():
    axes.annotate(
        f"{leash:g}",
        (row.kl, row.truth),
        textcoords="offset points",
        xytext=(-9, 2) if leash >= 1 else (0, 8) if leash in (0, 0.5) else (0, -15),
        ha="center",
        fontsize=8.5,
    )
axes.set(
    title="Seven leashes (numbers), mean of five companies",
    xlabel="distance from the reference (nats a plan)",
    ylabel="points a plan",
)
axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8.5)
plots.show(
    figure,
    alt="Points over the distance from the reference. The learnt reward rises with the distance. The true worth rises up to about one nat, at a leash of 0.5, and falls beyond, below that of the reference.",
    summary=[
        f"leash {leash:g}: {row.kl:.1f} nats, {row.proxy:.1f} points by the reward, {row.truth:.1f} in truth"
        for leash, row in by_leash.iterrows()
    ],
)

# %%
worth = pd.DataFrame(rows).pivot_table(index="leash", values="truth", aggfunc=list).truth
best = paired(worth[0.5], means["before"][:, 1])
print("leash 0.5 minus reference, true points: {:+.2f} ({:+.2f} to {:+.2f})".format(*best))
claim("on a leash of 0.5 the policy is truly better than the reference", best[1] > 0)
claim(
    "a looser leash (0.05) and a tighter one (2) are worth less",
    max(paired(worth[far], worth[0.5])[2] for far in (0.05, 2)) < 0,
)
claim("the proxy falls as the leash gets tighter", by_leash.proxy.is_monotonic_decreasing)

# %% [markdown]
# The same arch was measured with large language models (Gao, Schulman and Hilton, 2023; for "truth" they took a much larger reward
# model). Where its top lies depends on how wrong the reward is. The proxy does not tell. People who read do, and they are dear.

# %% [markdown]
# **Exercise 404.1 (9 minutes).** Four other companies. In each you have seven policies, trained on seven leashes, in an order that tells nothing.
# `gauges` are free: `kl` and `proxy`. `read(number, plans)` lets people read so many plans of policy `number` (0 to 6) and returns the mean of
# their points; a single reading varies by about 2. You have 200 readings a company. What a repeated action costs there differs; in one of
# them it *helps*. Return the number of the policy that you ship. On average you may lose 0.12 points against the best.


# %% tags=["exercise"] exercise="404.1"
def ship(gauges, read):
    """Return the number of the policy to ship. `gauges`: a frame with a row a policy; `read(number, plans)`: mean points."""
    ### BEGIN SOLUTION
    first = [read(number, 10) for number in range(len(gauges))]
    leaders = np.argsort(first)[-3:]
    again = [read(number, 43) for number in leaders]
    return leaders[np.argmax(again)]
    ### END SOLUTION


# %%
check("404.1", ship)

# %%
from labsupport.rl.shipping import COMPANIES, Readers, offers

ship = use("404.1", ship)
ways = {
    "yours": ship,
    "the highest proxy": lambda gauges, read: gauges.proxy.argmax(),
    "the nearest to the reference": lambda gauges, read: gauges.kl.argmin(),
    "about one nat away, as above": lambda gauges, read: (gauges.kl - 1).abs().argmin(),
}
lost = {}
for name, way in ways.items():
    each = []
    for seed, repeated in COMPANIES.items():
        here = offers(
            seed, repeated
        )  # with other readers twenty times, since one good choice may be luck
        chosen = [int(way(here.gauges.copy(), Readers(here, seed + n))) for n in range(20)]
        each.append(here.truth.max() - here.truth[chosen].mean())
    lost[name] = np.mean(each)
    print(
        f"{name:<30} loses {lost[name]:.2f} points a plan (each company: {', '.join(f'{one:.1f}' for one in each)})"
    )
claim(
    "none of these rules by gauges alone comes near to who asks people",
    min(list(lost.values())[1:]) > lost["yours"] + 0.1,
)

# %% tags=["exercise"] exercise="404.b"
### BEGIN SOLUTION
choice_b = "B"
### END SOLUTION
quiz("404.b", choice_b)

# %% [markdown]
# ### No raters: a reward that is checked
#
# For some tasks a program can say what is right. "web in prod: bring it to 7 replicas" has one answer, `kubectl scale deploy web -n prod
# --replicas 7`, and a **verifier** pays 1 for it and 0 for everything else. Our policy knows most of the grammar, and nothing of the tasks:

# %%
from labsupport.rl.commands import PLAIN
from labsupport.rl.commands import in_words as command

start = PLAIN.first_policy(SEED)
tasks = np.array([7, 25, 58])
drawn = write(PLAIN.writer, start, PLAIN.features[tasks], np.random.default_rng(SEED))
for task, sentence, reward in zip(
    tasks, drawn.sentences, PLAIN.does_as_asked(tasks, drawn.sentences), strict=True
):
    print(f"{PLAIN.tasks[task]!s:<38} -> {command(sentence)}: {reward:.0f}")
print(
    f"of {len(PLAIN.tasks)} tasks, this policy does a share of {PLAIN.accuracy(start, SEED):.3f} as asked"
)

# %% [markdown]
# **GRPO**, group relative policy optimisation (Shao et al., 2024), writes not one but 16 answers to each task, a **group**. What was to be expected
# of an answer? PPO asks a second network, the critic. GRPO asks the group: an answer's advantage is its reward minus the group's mean,
# divided by the group's standard deviation. All words of an answer get this one advantage; ratio and clip are PPO's.

# %% [markdown]
# **Exercise 404.2 (7 minutes).** Answers come back from many workers: in any order, and some were lost, so groups differ in size. Return
# each answer's advantage, with numpy's standard deviation as it is (libraries divide by n - 1, and add 0.0001 to it). A group whose rewards are all
# the same teaches nothing: exactly 0. (Mind that the mean of three times 0.1 is not quite 0.1.)


# %% tags=["exercise"] exercise="404.2"
def relative(rewards, tasks):
    """Return the advantages (n,). `rewards` (n,): floats; `tasks` (n,): which task was answered, whole numbers."""
    ### BEGIN SOLUTION
    found = np.zeros(len(rewards))
    for task in np.unique(tasks):
        group = rewards[tasks == task]
        if group.max() > group.min():
            found[tasks == task] = (group - group.mean()) / group.std()
    return found
    ### END SOLUTION


# %%
check("404.2", relative)

# %%
from labsupport.rl import grpo

relative = use("404.2", relative)
rewards = np.array([[0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 1]], dtype=float)
flat = np.asarray(relative(rewards.ravel(), np.arange(4).repeat(4))).reshape(4, 4)
for group, better in zip(rewards, flat, strict=True):
    print(
        f"rewards {group.astype(int)}: advantages {better.round(2)}, not divided {group - group.mean()}"
    )
claim("yours are those of labsupport.rl.grpo", np.allclose(flat, grpo.advantages(rewards)))

# %% [markdown]
# A rare success pushes hard: 1.73, where one of two pushes by 1. It would without division, too, 0.75 against 0.5; division widens the
# difference. These are all knobs of GRPO, and its gradient:

# %%
print(inspect.getsource(grpo.Settings))
print(inspect.getsource(grpo.gradient))

# %% [markdown]
# Its leash is not taken off the reward but stands in the loss, as an estimate that is never negative. Is the gradient right? Nudge some weights:

# %%
from labsupport.rl.sequences import log_p_of

rng, knobs = np.random.default_rng(SEED), grpo.Settings(groups=8, size=8, kl=0.1)
learner = grpo.new_learner(PLAIN.writer, start.astype(float))
away = learner.weights + rng.normal(0, 0.1, learner.weights.shape)
learner = replace(learner, weights=away)
batch = grpo.collect(learner, PLAIN.draw, PLAIN.does_as_asked, knobs, rng)[0]
batch = replace(
    batch, better=rng.normal(size=len(batch.words))
)  # so that every row has something to say
elsewhere = away + rng.normal(0, 0.02, away.shape)


def loss(weights):
    """Return what GRPO makes small: minus the smaller of both terms, plus the leash."""
    log_p = log_p_of(PLAIN.writer, weights, batch.seen, batch.words)
    ratio, behind = np.exp(log_p - batch.log_p), batch.reference - log_p
    smaller = np.minimum(ratio * batch.better, np.clip(ratio, 0.8, 1.2) * batch.better)
    return -smaller.mean() + knobs.kl * (np.exp(behind) - behind - 1).mean()


by_hand = grpo.gradient(learner, elsewhere, batch, knobs)
picked = rng.choice(len(away), 40, replace=False)
nudges = 1e-6 * np.eye(len(away))[picked]
by_nudging = np.array(
    [(loss(elsewhere + one) - loss(elsewhere - one)) / 2e-6 for one in nudges]
)
worst = np.abs(by_nudging - by_hand[picked]).max() / np.abs(by_hand).max()
print("worst difference below a millionth of the largest slope:", bool(worst < 1e-6))
claim("the gradient by hand is right", worst < 1e-6)

# %% [markdown]
# ## Use it: beside PPO and REINFORCE
#
# The rivals are lesson 402's own, unchanged: writing is an environment whose actions are words. All three begin with the same policy, get 40,960
# answers, and do four steps of Adam for each 512 of them (REINFORCE uses an answer once, so it takes 128 a step). Each one's learning
# rate is the best of five, chosen on other seeds.

# %%
guess("404.g2", ...)

# %% tags=["nbval-ignore-output"]
from labsupport.rl.writing_contest import ppo_settings, run_grpo, run_ppo, run_reinforce

kinds = {
    "GRPO": [run_grpo(seed, grpo.Settings(rate=8e-3)) for seed in SEEDS],
    "PPO": [run_ppo(seed, ppo_settings(8e-3)) for seed in SEEDS],
    "REINFORCE": [run_reinforce(seed, 4e-3) for seed in SEEDS],
}
level, reach = {}, {}
for name, runs in kinds.items():
    level[name] = np.array(
        [PLAIN.accuracy(run.weights, seed) for run, seed in zip(runs, SEEDS, strict=True)]
    )
    reach[name] = np.array([run.reached() for run in runs])
    print(
        f"{name:<10} right at the end {', '.join(f'{one:.3f}' for one in level[name])}; 90 % after {np.median(reach[name]):,.0f} answers (median)"
    )
gap = paired(level["GRPO"], level["PPO"])
print("GRPO minus PPO, at the end: {:+.3f} ({:+.3f} to {:+.3f})".format(*gap))
reveal("404.g2", bool(np.median(reach["GRPO"]) <= np.median(reach["PPO"]) / 2))

# %%
claim(
    "at the median GRPO and PPO end equally right, within a hundredth",
    abs(np.median(level["GRPO"]) - np.median(level["PPO"])) < 0.01,
)
claim(
    "GRPO needs more than half of PPO's answers",
    np.median(reach["GRPO"]) > np.median(reach["PPO"]) / 2,
)

# %% tags=["draw", "nbval-ignore-output"]
figure, axes = plt.subplots(figsize=(7, 2.7))
for (name, runs), color, style in zip(
    kinds.items(), (plots.BLUE, plots.ORANGE, plots.GREEN), ("-", "--", "-."), strict=True
):
    right = np.array([run.right for run in runs])
    axes.plot(runs[0].answers / 1000, np.median(right, axis=0), style, color=color, label=name)
    axes.fill_between(
        runs[0].answers / 1000,
        right.min(axis=0),
        right.max(axis=0),
        color=color,
        alpha=0.15,
        linewidth=0,
    )
axes.set(
    title="Three learners, five seeds each: median and range",
    xlabel="answers (thousands)",
    ylabel="share that is right",
)
axes.legend(loc="lower right")
plots.show(
    figure,
    alt="Three curves from near 0 to near 1. GRPO and PPO rise within twenty thousand answers, REINFORCE later.",
    summary=[
        f"{name}: median 90 % after {np.median(steps):,.0f} answers, right at the end {np.median(level[name]):.3f}"
        for name, steps in reach.items()
    ],
)

# %% [markdown]
# **No critic, and usually as right.** That is GRPO's offer. Our critic is small; that of a language model is a second language model. "Usually", since of
# 25 trainings (SEED 0 to 4) GRPO ended above 0.99 in 23, PPO in all; one of GRPO's got stuck at 0.90. The next section says how.

# %% [markdown]
# ### Groups that teach nothing
#
# Now the tasks hold a sum: "web in prod runs 3 replicas, add 4". GRPO twice, without a leash and with one of 0.03. A group *teaches* if not
# all its rewards are the same.

# %% tags=["nbval-ignore-output"]
from labsupport.rl.commands import SUMS

longer = grpo.Settings(budget=81_920)
sums = {
    "no leash": [run_grpo(seed, longer, SUMS) for seed in SEEDS],
    "leash 0.03": [run_grpo(seed, replace(longer, kl=0.03), SUMS) for seed in SEEDS],
}
right = {
    name: np.array(
        [SUMS.accuracy(run.weights, seed) for run, seed in zip(runs, SEEDS, strict=True)]
    )
    for name, runs in sums.items()
}
idle = {
    name: np.array([1 - run.teaching[-10:].mean() for run in runs])
    for name, runs in sums.items()
}
for name in sums:
    print(
        f"{name:<11} right {', '.join(f'{one:.2f}' for one in right[name])}; of the last groups {idle[name].mean():.0%} teach nothing"
    )
helped = paired(right["leash 0.03"], right["no leash"])
print("what the leash brings: {:+.2f} ({:+.2f} to {:+.2f})".format(*helped))

# %%
claim(
    "without a leash, more than half of the last groups teach nothing",
    idle["no leash"].mean() > 0.5,
)
claim("yet a fifth or more of the answers are wrong", right["no leash"].mean() < 0.8)
claim("here the leash helps, on average", helped[0] > 0)

# %% tags=["draw", "nbval-ignore-output"]
figure, both = plt.subplots(1, 2, figsize=(7, 2.6), sharey=True)
for axes, (name, runs) in zip(both, sums.items(), strict=True):
    window = np.ones(8) / 8
    at = runs[0].answers[7:] / 1000
    for values, color, style, label in (
        ("right", plots.BLUE, "-", "answers that are right"),
        ("teaching", plots.ORANGE, "--", "groups that teach"),
    ):
        curves = np.array([np.convolve(getattr(run, values), window, "valid") for run in runs])
        axes.plot(at, curves.mean(axis=0), style, color=color, label=label)
    axes.set(
        title=f"GRPO on sums, {name}",
        xlabel="answers (thousands)",
        ylabel="share (mean of five)",
        ylim=(0, 1),
    )
both[0].legend(loc="upper left", fontsize=8.5)
plots.show(
    figure,
    alt="Two panels. Without a leash the share of teaching groups rises and then falls below a fifth, while right answers level off near six in ten. With a leash both stay higher.",
    summary=[
        f"{name}: {right[name].mean():.2f} right, {1 - idle[name].mean():.2f} of the last groups teach"
        for name in sums
    ],
)

# %% [markdown]
# At the end most groups agree: all right, or all *wrong*, the same mistake. A task that is never answered rightly is never
# learnt. The leash keeps rare answers alive: the first policy happens to write all numbers.
#
# Right on the sums, minus plain GRPO (0.68), with 95 % intervals; each at its best of four rates, five other seeds (`python
# benchmarks/grpo.py`, November 2026):
#
# | leash 0.03 | not divided | groups of 2 | of 64 | PPO | REINFORCE |
# |---|---|---|---|---|---|
# | +0.11 | -0.15 | -0.20 | -0.04 | -0.07 | -0.41 |
# | 0.05 to 0.16 | -0.33 to 0.03 | -0.32 to -0.07 | -0.18 to 0.11 | -0.29 to 0.15 | -0.57 to -0.24 |

# %% tags=["exercise"] exercise="404.c"
### BEGIN SOLUTION
choice_c = "D"
### END SOLUTION
quiz("404.c", choice_c)

# %% [markdown]
# ### What ChatGPT and DeepSeek-R1 were trained with
#
# | | InstructGPT (2022), and ChatGPT "using the same methods" | DeepSeek-R1-Zero and R1 (2025) |
# |---|---|---|
# | reward | a model of what raters prefer | R1-Zero: rules that check answer and format; R1 in its last stage also models of preferences |
# | advantage | PPO with a critic | GRPO, 16 answers a question |
# | leash | KL to the imitating policy, in the reward | KL to a reference, in the loss |
# | before | imitation of people's answers | R1-Zero: no imitation of worked solutions; R1: some thousands of them |
#
# Sources: Ouyang et al. (2022), *Training language models to follow instructions with human feedback*; OpenAI (30 November 2022),
# *Introducing ChatGPT*; DeepSeek-AI (January 2025; in *Nature*, September 2025), *DeepSeek-R1*.

# %% [markdown]
# **Exercise 404.3 (6 minutes).** A typical tutorial (the handout's *4.1*, *4.4* and last line) says b to f, and a of all reinforcement
# learning: `"right"`; `"half"`, if one part holds and another does not; `"wrong"`. `new`: what did GRPO change against RLHF's PPO?
# One of `"the clip"`, `"the KL penalty"`, `"the advantage"`, `"the reward model"`. (A dictionary, keys a to f and `new`.)
#
# - a: RLHF needs no labels that people made.
# - b: PPO is used in RLHF.
# - c: OpenAI used it to make ChatGPT.
# - d: DeepSeek used GRPO in DeepSeek R1.
# - e: GRPO combines PPO with a KL penalty.
# - f: This text, with b to e in it, was last updated in January 2024.

# %% tags=["exercise"] exercise="404.3"
### BEGIN SOLUTION
verdicts = {
    "a": "wrong",
    "b": "right",
    "c": "right",
    "d": "right",
    "e": "half",
    "f": "wrong",
    "new": "the advantage",
}
### END SOLUTION

# %%
check("404.3", verdicts)

# %% [markdown]
# In earnest you use a library, such as Hugging Face's TRL: `RewardTrainer` fits Bradley-Terry, `GRPOTrainer` takes a function that returns
# rewards. Its knobs are ours: `num_generations` is our `size`, `epsilon` our `clip`, `num_iterations` our `epochs`, `scale_rewards` our `normalise`, and `beta`
# our `kl`. By default `beta` is 0: no leash, and no reference in memory.

# %% [markdown]
# ## Break it: a verifier that is content with enough
#
# Somebody writes the verifier as a test of capacity: a valid command for the right app, and *at least* as many replicas as were asked for. All
# right answers still get their 1. How many percent of the trained policy's commands will bring *exactly* what was asked?

# %%
guess("404.g3", low=..., high=...)

# %% tags=["nbval-ignore-output"]
from labsupport.rl.commands import replicas

lax = [
    run_grpo(seed, grpo.Settings(rate=8e-3, budget=20_480), reward=PLAIN.brings_enough)
    for seed in SEEDS
]
every = np.arange(len(PLAIN.tasks))
likeliest = [write(PLAIN.writer, run.weights, PLAIN.features, None).sentences for run in lax]
paid = np.array([PLAIN.brings_enough(every, sentences).mean() for sentences in likeliest])
exact = np.array([PLAIN.does_as_asked(every, sentences).mean() for sentences in likeliest])
written = np.array([replicas(sentences).mean() for sentences in likeliest])
print(f"paid {paid.mean():.0%}, exactly as asked {exact.mean():.0%}")
print(
    f"asked for {replicas(PLAIN.right).mean():.1f} replicas on average, written {written.mean():.1f}"
)
reveal("404.g3", 100 * np.median(exact))

# %%
claim("the verifier is content", paid.mean() > 0.95)
claim("what was asked is done in a fifth of the tasks at most", exact.max() <= 0.2)

# %% [markdown]
# The symptom: reward near 1, and the bill doubles. The policy found the one number that is always enough. Nothing in its gauges
# is ill; only somebody who *reads commands* sees it. The repair is the verifier that runs the command and compares the cluster with
# the task, both ways: not too little, and nothing else.
#
# ### Refute it
#
# So a colleague writes a stricter verifier, which reads the command:

# %%
from labsupport.rl import verifiers

print(inspect.getsource(verifiers.looks_right))
print(f"the task: {verifiers.ONE}; every app runs 3 replicas now")
suppose("404.4", "kubectl scale deploy web -n prod --replicas 7")

# %% [markdown]
# **Exercise 404.4 (6 minutes).** Refute it: find one command that this verifier accepts, and that does something else, or nothing. A policy would
# find it by chance, in some hundred thousand tries; you know kubectl.

# %% tags=["exercise"] exercise="404.4"
### BEGIN SOLUTION
case = "kubectl scale deploy web -n prod --replicas 7 --replicas 70"
### END SOLUTION

# %%
check("404.4", case)

# %% [markdown]
# ## Quiz

# %% tags=["exercise"] exercise="404.d"
### BEGIN SOLUTION
choice_d = "A"
### END SOLUTION
quiz("404.d", choice_d)

# %% [markdown]
# ## Take it to work
#
# Comparisons *within a group* take out what the group shares. Which deploys fail? Take pairs of the same week, one that failed and one that
# did not: freeze, holidays and who was on call are the same for both. Bradley-Terry says what counts, in points for one standard deviation:
# above 0, more of it goes with failing. The 95 % intervals draw whole weeks again, since a deploy stands in many pairs of its week.

# %%
from labsupport import own
from labsupport.rl import preferences

deploys = own.deploys()  # own.deploys("deploys.csv") reads yours
week = deploys.time.dt.strftime("%G-%V")
told = (
    deploys.select_dtypes(["number", "bool"])
    .drop(columns="failed")
    .astype(float)
    .apply(lambda one: (one - one.mean()) / one.std())
)
failed, fine = (told[deploys.failed == bad].assign(week=week) for bad in (True, False))
pairs = failed.merge(fine, on="week", suffixes=("", "_fine"))
ahead = pairs[told.columns] - pairs[[f"{name}_fine" for name in told]].set_axis(
    told.columns, axis=1
)
weeks, rng = list(ahead.groupby(pairs.week)), np.random.default_rng(SEED)
again = [
    pd.concat([weeks[one][1] for one in rng.integers(len(weeks), size=len(weeks))])
    for _ in range(200)
]
points = np.array([preferences.fit(each, np.ones(len(each))) for each in (ahead, *again)])
print(
    len(pairs),
    "pairs\n",
    pd.DataFrame(
        {
            "points": points[0],
            "from": np.quantile(points[1:], 0.025, axis=0),
            "to": np.quantile(points[1:], 0.975, axis=0),
        },
        told.columns,
    ).round(2),
)

# %% [markdown]
# ## Take away
#
# - Bradley-Terry makes points of comparisons. They are right where comparisons were made, and only differences mean something.
# - A policy leaves that place if it is paid for it: the proxy rises, the truth falls. A leash (KL) keeps it near; how long, only readers can say.
# - GRPO asks the group what was to be expected. No critic, and here at the median as right as PPO.
# - A group that agrees teaches nothing, be it right or wrong. Watch the share of groups that teach.
# - A verifier is a proxy, too: let it run the answer and look at the world, both ways.

# %%
from labsupport.course.picture import system_so_far

system_so_far("404")

# %% [markdown]
# **Next**: part 5 turns to the data: 501 shows what bad rows cost every method so far.
