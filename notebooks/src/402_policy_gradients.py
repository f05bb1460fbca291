# ---
# jupyter:
#   labs:
#     title: "Policy gradients and PPO"
#     question: How does a program learn to act when nobody says what was right, only how it went?
#     part: 4
#     will:
#       - push a policy towards what went better than expected, and see what a baseline is worth
#       - build the parts of PPO, and say which rows of a batch still push
#       - treat an episode that ended and one whose time was up differently, as they should be
#       - take parts of PPO away, one by one, with five seeds and intervals
#       - watch a training by its gauges, and stop a sick one early
#     need: Lesson 401's words (agent, environment, return, terminated, truncated) and lesson 305's Adam. Some NumPy.
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# ## The bridge
#
# A canary gets a little traffic; you look whether it does better than what is usual, and shift a little more. Never all at once:
# what you measured holds for the system *as it was*. **PPO trains a policy like that**: collect some experience, prefer what went
# better than expected, in small steps, then collect anew.
#
# The likeness ends twice. A canary is one decision with a clear outcome. Here five hundred decisions share one outcome, and
# nobody says which of them it was. And a canary is compared with the old version *at the same time*; a policy is compared with a
# guess of its own, which has to be learnt beside it.

# %% tags=["parameters"]
SEED = 0

# %% [markdown]
# ## See it: a pole on a cart
#
# CartPole is the small test of the field: push a cart to the left or to the right, fifty times a second, so that the pole on
# it stays up. Each step that it stands pays 1. As a reminder of 401: an episode **terminates** when the pole leans more than 12° or
# the cart leaves the track, and is **truncated** after 500 steps. It counts as solved when the last hundred episodes average 475.

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
AT = np.linspace(10_000, 122_880, 60)


def band(axes, runs, color, label, style="-"):
    """Draw the median of five trainings, and the range of all five."""
    values = np.array([run.mean_at(AT) for run in runs])
    axes.plot(AT / 1000, np.nanmedian(values, axis=0), style, color=color, label=label)
    axes.fill_between(
        AT / 1000,
        values.min(axis=0),
        values.max(axis=0),
        color=color,
        alpha=0.15,
        linewidth=0,
    )


# %%
from labsupport.rl.cartpole import CartPole
from labsupport.rl.contest import episodes, simple_rule

rng = np.random.default_rng(SEED)
players = {
    "at random": lambda seen: rng.integers(2, size=len(seen)),
    "always to the right": lambda seen: np.ones(len(seen), dtype=int),
    "a simple rule": simple_rule,
}
scores = {
    name: episodes(CartPole(100, SEED), player, 200).mean() for name, player in players.items()
}
for name, score in scores.items():
    print(f"{name:<20} {score:5.1f} steps a pole, of 500")
claim(
    "the simple rule solves it, chance does not",
    scores["a simple rule"] > 475 and scores["at random"] < 100,
)

# %% tags=["draw"]
from labsupport.rl.cartpole import has_fallen, move

figure, axes = plt.subplots(figsize=(7, 2.3))
for (name, player), color, style in zip(
    players.items(), (plots.RED, plots.ORANGE, plots.BLUE), ("-.", "--", "-"), strict=True
):
    states = [CartPole(1, SEED).observations]
    while len(states) < 100 and not has_fallen(states[-1])[0]:
        states.append(move(states[-1], player(states[-1])))
    axes.plot([np.degrees(state[0, 2]) for state in states], style, color=color, label=name)
axes.axhspan(-12, 12, color=plots.SKY, alpha=0.12, linewidth=0)
axes.set(title="One pole, three players", xlabel="step (50 a second)", ylabel="angle (degrees)")
axes.legend(loc="upper right")
plots.show(
    figure,
    alt="The angle of the pole over a hundred steps: pushed always to the right or at random it leaves the band of 12 degrees within a few dozen steps; by the rule it stays near 0.",
    summary="Mean steps: "
    + ", ".join(f"{name} {score:.0f}" for name, score in scores.items())
    + ".",
)

# %%
print(inspect.getsource(simple_rule))

# %% [markdown]
# Keep the simple rule in mind: four numbers that somebody found who knew which way a pole falls. We want a program that is
# told *nothing* of poles, only what it sees, its two actions and the return.
#
# Now PPO, five times. How many **thousand** steps will it need until the last hundred episodes average 475? (One episode that
# succeeds has 500.)

# %%
guess("402.g1", low=..., high=...)

# %% tags=["nbval-ignore-output"]
from labsupport.rl.contest import in_thousands, run_ppo

course = [run_ppo(seed) for seed in SEEDS]
needed = np.array([run.reached() for run in course])
print("steps to the goal:", ", ".join(in_thousands(steps) for steps in needed))
reveal("402.g1", np.median(needed) / 1000)

# %%
claim("at least four of five trainings reach the goal", np.isfinite(needed).sum() >= 4)

# %% tags=["draw", "nbval-ignore-output"]
figure, axes = plt.subplots(figsize=(7, 2.7))
for run in course:
    axes.plot(run.steps / 1000, run.means, color=plots.BLUE, lw=1)
axes.axhline(475, color=plots.INK, ls=":", label="the goal")
axes.axhline(scores["at random"], color=plots.RED, ls="--", label="at random")
axes.set(
    title="PPO on CartPole, five seeds",
    xlabel="steps of all 64 poles (thousands)",
    ylabel="last 100 returns (mean)",
)
axes.legend(loc="center right")
plots.show(
    figure,
    alt="Five learning curves that rise from about twenty to five hundred, all within about a hundred thousand steps.",
    summary=f"Median steps to the goal {in_thousands(np.median(needed))}; at the end the five means are {min(run.means[-1] for run in course):.0f} to {max(run.means[-1] for run in course):.0f}.",
)

# %% [markdown]
# ## Build it: push what went well
#
# Our policy is a small network that gives each action a **probability**, and draws. So we can ask: which small change of the
# weights makes the drawn action likelier? That is a gradient as in lesson 301. **REINFORCE** takes this gradient, times what came of
# the action, averaged over what was played: a good outcome pushes hard, a bad one little or backwards.
#
# The smallest case: three timeouts to choose from, whose true scores are 100, 101 and 103, each measured with noise. Here
# the exact gradient is known, and we can look at what sampling does with it.

# %%
worth, scores_now = np.array([100.0, 101.0, 103.0]), np.array([0.2, 0.0, -0.2])
p = np.exp(scores_now) / np.exp(scores_now).sum()
exact = p * (worth - p @ worth)  # how the expected score changes with each weight


def sampled(baseline, draws=20_000):
    """Return one gradient a draw: (1 at the action, 0 elsewhere, minus p), times what is above the baseline."""
    rng = np.random.default_rng(SEED)
    action = rng.choice(3, size=draws, p=p)
    outcome = worth[action] + rng.normal(0, 2, draws)
    return (np.eye(3)[action] - p) * (outcome - baseline)[:, None]


print("exact        ", exact.round(2))
spread = {}
for name, baseline in {"baseline 0": 0, "baseline 101": 101, "baseline 1000": 1000}.items():
    each = sampled(baseline)
    spread[name] = each.std(axis=0).mean()
    off = np.abs(each.mean(axis=0) - exact) / (each.std(axis=0) / np.sqrt(len(each)))
    print(
        f"{name:<13} {each.mean(axis=0).round(2)} ± {1.96 * spread[name] / np.sqrt(len(each)):.2f}, spread of one draw {spread[name]:6.1f}"
    )
    claim(f"{name}: right on average, within its chance", off.max() < 4)
claim(
    "what is usual as baseline: a tenth of the spread or less",
    spread["baseline 101"] < spread["baseline 0"] / 10,
)

# %% [markdown]
# **Any baseline leaves the mean right**, as long as it does not look at the action: no mean is off by more than its own chance allows (four standard errors;
# `±` is about two).
# But with a baseline of 1,000, twenty thousand draws are too few to see even the signs; the usual outcome leaves the least noise. An
# outcome minus what was to be expected is called an **advantage**.

# %% tags=["exercise"] exercise="402.a"
### BEGIN SOLUTION
choice_a = "B"
### END SOLUTION
quiz("402.a", choice_a)

# %% [markdown]
# On the poles, REINFORCE plays sixteen whole episodes, credits each action with the discounted rewards *after* it, and does one step
# of Adam. Its baseline is the mean of the batch at the same step. This is all of the update:

# %%
from labsupport.rl import reinforce

print(inspect.getsource(reinforce.update))

# %% [markdown]
# Both kinds get their best of seven learning rates, tried on seeds that are not used below; PPO's rate is one of the four that did equally
# well among its seven (`benchmarks/rl_rates.py`). REINFORCE plays its last batch to the end, beyond the budget of 122,880 steps; a goal
# counts only within it, for both.
# PPO is the method of choice in many papers and products; REINFORCE is from 1992.

# %%
guess("402.g2", ...)

# %% tags=["nbval-ignore-output"]
from labsupport.dl.contest import paired
from labsupport.rl.contest import run_reinforce

TUNED = reinforce.Settings(rate=0.08, budget=122_880)
kinds = {
    "PPO": course,
    "REINFORCE, baseline": [run_reinforce(seed, TUNED) for seed in SEEDS],
    "REINFORCE, none": [
        run_reinforce(seed, replace(TUNED, rate=0.04, baseline=False)) for seed in SEEDS
    ],
    "baseline, rate 0.005": [run_reinforce(seed, replace(TUNED, rate=0.005)) for seed in SEEDS],
}
reach = {name: np.array([run.reached() for run in runs]) for name, runs in kinds.items()}
for name, steps in reach.items():
    print(f"{name:<21} steps to the goal: " + ", ".join(in_thousands(one) for one in steps))

# %% tags=["nbval-ignore-output"]
medians = {name: np.median(steps) for name, steps in reach.items()}
reveal("402.g2", bool(medians["REINFORCE, baseline"] >= 2 * medians["PPO"]))

# %%
claim(
    "well tuned, the old method is no slower than one and a half times PPO's steps",
    medians["REINFORCE, baseline"] < 1.5 * medians["PPO"],
)
claim(
    "at a sixteenth of the rate, none of five arrives",
    not np.isfinite(reach["baseline, rate 0.005"]).any(),
)

# %% tags=["draw", "nbval-ignore-output"]
figure, axes = plt.subplots(figsize=(7, 2.8))
for (name, runs), color, style in zip(
    kinds.items(),
    (plots.BLUE, plots.GREEN, plots.ORANGE, plots.RED),
    ("-", "--", "-.", ":"),
    strict=True,
):
    band(axes, runs, color, name, style)
axes.axhline(475, color=plots.INK, lw=0.8)
axes.set(
    title="Four learners, five seeds each: median and range",
    xlabel="steps (thousands)",
    ylabel="last 100 returns (mean)",
)
axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8.5)
plots.show(
    figure,
    alt="Learning curves with bands. Tuned REINFORCE with a baseline rises first, PPO and REINFORCE without one follow; at a small rate it stays far below.",
    summary=[
        f"{name}: median steps to the goal {in_thousands(steps)}"
        for name, steps in medians.items()
    ],
)

# %% [markdown]
# On this easy task PPO is *not* the faster learner: the rate decided more than the method. Why then do people use PPO? REINFORCE
# throws every sample away after one step, and waits for whole episodes. Where samples are dear, and episodes never end, both hurt.
#
# ### PPO, part 1: the same samples, several times
#
# A second step on the same samples is biased: they were drawn by the *old* policy. The **ratio** repairs it, new probability over
# old. But far from the old policy it becomes noise, and so PPO stops there. For each row it takes the smaller one of two terms:

# %%
ratio = np.array([0.5, 0.9, 1.1, 1.5])
for advantage in (1.0, -1.0):
    free, clipped = ratio * advantage, np.clip(ratio, 0.8, 1.2) * advantage
    print(
        f"advantage {advantage:+.0f}: free {free}, clipped {clipped}, the smaller {np.minimum(free, clipped)}"
    )

# %% [markdown]
# **Exercise 402.1 (6 minutes).** A row *pushes* if the smaller term still changes with the ratio; otherwise its gradient is 0. Which rows
# push? No advantage is exactly 0 here, and no ratio exactly at a bound.


# %% tags=["exercise"] exercise="402.1"
def pushes(ratio, advantage, clip):
    """Return booleans (n,): which rows push. `ratio`, `advantage`: arrays (n,); `clip`: 0.2 means from 0.8 to 1.2."""
    ### BEGIN SOLUTION
    return np.where(advantage > 0, ratio < 1 + clip, ratio > 1 - clip)
    ### END SOLUTION


# %%
check("402.1", pushes)

# %% [markdown]
# ### PPO, part 2: a critic instead of the end
#
# A second network, the **critic**, learns what a state is worth: the return that is still to come. Then nobody has to wait for the
# end. After *each* step there is a **surprise**: reward + 0.98 × what the next state is worth − what this one was thought to be worth.
# (0.98 is the *discount*: what comes a step later counts a little less.)
# An action's advantage is its own surprise and, fading, those that follow in its episode (`trace`).
#
# Episodes end in two ways, and 64 poles go on in the same arrays: behind the last row of an episode stands the first of the next.

# %% [markdown]
# **Exercise 402.2 (6 minutes).** Answer two questions for each row. `future`: what is the state after the step worth, in a surprise?
# `goes_on`: may the surprise of the *next* row be credited to this one? `next_value` is the critic's word on the state in which the step ended.


# %% tags=["exercise"] exercise="402.2"
def ends(next_value, terminated, truncated):
    """Return (future, goes_on): floats and booleans, in the shape of the arguments, arrays of any shape."""
    ### BEGIN SOLUTION
    return np.where(terminated, 0.0, next_value), ~(terminated | truncated)
    ### END SOLUTION


# %%
check("402.2", ends)

# %%
from labsupport.rl import ppo

ends = use("402.2", ends)
value = np.full((3, 1), 45.0)  # of each state, says the critic
still_up = np.array([[False], [True], [False]])  # the time is up after the second of three rows
down = np.zeros((3, 1), dtype=bool)
future, goes_on = (np.asarray(each) for each in ends(value, down, still_up))
surprise = 1 + 0.98 * future - value
better, carried = np.zeros((3, 1)), 0.0
for row in (2, 1, 0):
    better[row] = carried = surprise[row] + 0.98 * 0.95 * goes_on[row] * carried
print("surprises", surprise.ravel().round(2), "advantages", better.ravel().round(2))
print("if the cut counted as a fall, the second surprise were", 1 - 45.0)
of_ppo = ppo.advantages(np.ones((3, 1)), value, value, down, still_up, 0.98, 0.95)
claim(
    "with your ends the advantages are those of labsupport.rl.ppo", np.allclose(better, of_ppo)
)

# %% tags=["exercise"] exercise="402.b"
### BEGIN SOLUTION
choice_b = "C"
### END SOLUTION
quiz("402.b", choice_b)

# %% [markdown]
# ### The whole of it
#
# These are all knobs of PPO, and its gradient. The rest of the file collects steps and walks down this gradient. A gradient by hand
# deserves a test: on random weights, push one of them a little, and compare.

# %%
print(inspect.getsource(ppo.Settings))
print(inspect.getsource(ppo.gradient))

# %%
from labsupport.rl.policies import forward, log_softmax

rng = np.random.default_rng(SEED)
small = ppo.Settings(hidden=(8, 8), steps=16, entropy=0.01, normalise=False)
learner = ppo.new_learner(4, 2, small, rng)
learner = replace(learner, weights=rng.normal(0, 0.5, learner.weights.shape))
rows = ppo.collect(learner, CartPole(8, SEED), small, rng).flat()
elsewhere = learner.weights + rng.normal(
    0, 0.05, learner.weights.shape
)  # not where the rows were drawn


def loss(weights):
    """Return what PPO makes small: minus the objective and the entropy, plus the critic's error."""
    policy, critic = learner.parts(weights)
    log_p = log_softmax(forward(policy, rows.observations)[0])
    ratio = np.exp(log_p[np.arange(len(log_p)), rows.actions] - rows.log_probabilities)
    smaller = np.minimum(ratio * rows.advantages, np.clip(ratio, 0.8, 1.2) * rows.advantages)
    uncertain = -(np.exp(log_p) * log_p).sum(axis=1)
    error = (forward(critic, rows.observations)[0][:, 0] - rows.targets) ** 2
    return -smaller.mean() - small.entropy * uncertain.mean() + small.value * error.mean()


by_hand = ppo.gradient(learner, elsewhere, rows, small, 0.2)
picked = rng.choice(len(elsewhere), 60, replace=False)
nudges = 1e-5 * np.eye(len(elsewhere))[picked]
by_nudging = np.array(
    [(loss(elsewhere + one) - loss(elsewhere - one)) / 2e-5 for one in nudges]
)
worst = np.abs(by_nudging - by_hand[picked]).max() / np.abs(by_hand).max()
print("worst difference below a millionth of the largest slope:", bool(worst < 1e-6))
claim("the gradient by hand is right", worst < 1e-6)

# %% [markdown]
# And your rows from 402.1? Ten times as far from where the rows were drawn, we keep only those that push, and drop the rest.

# %%
pushes = use("402.1", pushes)
actor = replace(small, value=0.0, entropy=0.0)  # the policy alone
far = learner.weights + 10 * (elsewhere - learner.weights)
log_p = log_softmax(forward(learner.parts(far)[0], rows.observations)[0])
ratio = np.exp(log_p[np.arange(len(log_p)), rows.actions] - rows.log_probabilities)
kept = np.asarray(pushes(ratio, rows.advantages, 0.2), dtype=bool)
of_all, of_kept = (
    ppo.gradient(learner, far, some, actor, 0.2) for some in (rows, rows.at(kept))
)
print(f"{kept.sum()} of {len(kept)} rows push")
claim("the others add nothing to the gradient", np.allclose(of_all, of_kept * kept.mean()))
claim("and some do stop", kept.sum() < len(kept))

# %% [markdown]
# ## Use it: beside Gymnasium and Stable-Baselines3
#
# Our poles step 64 at a time without a Python loop. Are they Gymnasium's? The same starts, the same pushes, compared step by step. And
# the policy that learnt on ours then plays in Gymnasium.

# %%
import gymnasium

from labsupport.rl.environments import Gymnasium

real, worst, steps = gymnasium.make("CartPole-v1"), 0.0, 0
for episode in range(100):
    real.reset(seed=1000 * SEED + episode)
    ours, ended = np.array(real.unwrapped.state)[None], False
    while not ended:
        action = int(rng.integers(2))
        *_, terminated, truncated, _ = real.step(action)
        ours, steps = move(ours, [action]), steps + 1
        worst = max(worst, np.abs(ours[0] - real.unwrapped.state).max())
        assert terminated == has_fallen(ours)[0]
        ended = terminated or truncated
print("difference below 1e-12 in every step:", bool(worst < 1e-12))
claim("our poles move like Gymnasium's, to 1e-12", worst < 1e-12)

# %% tags=["nbval-ignore-output"]
fresh = [
    episodes(Gymnasium("CartPole-v1", 20, seed=9000 + seed), run.policy, 20).mean()
    for seed, run in zip(SEEDS, course, strict=True)
]
print("20 fresh Gymnasium episodes, by seed:", np.round(fresh, 1))
claim("the policies hold Gymnasium's poles as well", np.median(fresh) > 475)

# %% [markdown]
# **Stable-Baselines3** is the library that people use; its PPO calls PyTorch. The same settings, one thread, five seeds, taking
# turns. Seconds to the goal (medians; `python benchmarks/rl.py`, November 2026):
#
# | settings | ours | Stable-Baselines3 | steps to the goal |
# |---|---|---|---|
# | this lesson's | 0.49 s | 2.65 s | 88,064 and 83,968 |
# | of its collection, the *zoo* | 1.90 s | 8.89 s | 67,072 and 65,792 |
#
# Of these twenty policies all but one scored 500.0 in 1,000 fresh episodes of Gymnasium; one of the library's scored 460.9. The
# factor is no better learning: with networks this small, the calls around the arithmetic cost most.

# %%
print("this lesson's settings:", ppo.Settings())

# %% [markdown]
# ### What does each part do?
#
# We take one part away at a time, keep all other knobs, and train from the same five seeds. Three changes: no clip; advantages that are
# not brought to mean 0 and spread 1; and a bonus on **entropy**, which pays the policy for staying undecided.

# %%
guess("402.g3", ...)

# %% tags=["nbval-ignore-output"]
SETTINGS = ppo.Settings()
variants = {
    "no clip": [run_ppo(seed, replace(SETTINGS, clip=np.inf)) for seed in SEEDS],
    "not normalised": [run_ppo(seed, replace(SETTINGS, normalise=False)) for seed in SEEDS],
    "entropy bonus 0.01": [run_ppo(seed, replace(SETTINGS, entropy=0.01)) for seed in SEEDS],
}
late = AT > 60_000
level = {
    name: np.array([run.mean_at(AT[late]).mean() for run in runs])
    for name, runs in {"course": course, **variants}.items()
}
gaps = {}
print(f"{'':<20}{'at the goal':>12}   mean return of the second half, minus the course's")
for name, runs in variants.items():
    gaps[name] = paired(level[name], level["course"])
    there = sum(np.isfinite(run.reached()) for run in runs)
    print(f"{name:<20}{there:>7} of 5   " + "{:+.0f} ({:+.0f} to {:+.0f})".format(*gaps[name]))

# %% tags=["nbval-ignore-output"]
reveal("402.g3", any(np.isfinite(run.reached()) for run in variants["no clip"]))

# %%
claim(
    "without the clip, returns are lower on average, by more than 50", gaps["no clip"][0] < -50
)

# %% tags=["draw", "nbval-ignore-output"]
figure, axes = plt.subplots(figsize=(7, 2.8))
shown = {"course": course, **variants}
for (name, runs), color, style in zip(
    shown.items(),
    (plots.BLUE, plots.RED, plots.ORANGE, plots.GREEN),
    ("-", ":", "-.", "--"),
    strict=True,
):
    band(axes, runs, color, name, style)
axes.axhline(475, color=plots.INK, lw=0.8, label="the goal")
axes.set(
    title="PPO without one of its parts: median and range of five",
    xlabel="steps (thousands)",
    ylabel="last 100 returns (mean)",
)
axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8.5)
plots.show(
    figure,
    alt="Learning curves with bands. Without the clip the curve rises far later than the others, with a wide band; the course's and that with the entropy bonus rise together; without normalisation the curve lags behind these, and ends near the goal.",
    summary=[
        f"{name}: mean return of the second half {values.mean():.0f}"
        for name, values in level.items()
    ],
)

# %% [markdown]
# Five seeds say little: read the intervals. So clip or none was tried at seven rates, five other
# seeds each. With it, every training reached the goal at the four largest rates; without it, one of 35
# (`python benchmarks/rl_rates.py`, November 2026).

# %% [markdown]
# ## Break it: trainings that are ill
#
# Four gauges of each update: `kl`, how far the policy moved; `clipped`, the share of rows that push no more; `entropy`, how undecided
# it is; `explained`, the share of the returns' variance that the critic foresaw (it falls when all poles stand: little is left to
# foresee). A healthy training, one without a clip, two with mistaken rates:

# %% tags=["nbval-ignore-output"]
ill = {
    "rate 2e-6": run_ppo(SEEDS[0], replace(SETTINGS, rate=2e-6), updates=10),
    "rate 0.2": run_ppo(SEEDS[0], replace(SETTINGS, rate=0.2), updates=10),
}
for name, run in {"healthy": course[0], "no clip": variants["no clip"][0], **ill}.items():
    print(f"--- {name}")
    rows_shown = [0, 1, 2, 4, 9] + ([29, 49, 59] if name == "healthy" else [])
    print(run.gauges.iloc[rows_shown].map("{:.2g}".format).to_string())

# %% [markdown]
# **Exercise 402.3 (8 minutes).** Write the alarm. It is asked after *each* update. Nine trainings come that you haven't seen: three healthy ones,
# which must run to their end, all 60 updates, and two of each illness, which must be stopped by the tenth. (Rates fall to 0 over a training.)


# %% tags=["exercise"] exercise="402.3"
def stop(gauges):
    """Return True to stop the training. `gauges`: a frame, a row for each update so far: kl, clipped, entropy, explained."""
    ### BEGIN SOLUTION
    if len(gauges) < 5 or len(gauges) > 30:
        return False
    usual = gauges.kl.tail(5).median()
    return bool(usual > 0.05 or usual < 1e-5)
    ### END SOLUTION


# %%
check("402.3", stop)

# %% tags=["exercise"] exercise="402.c"
### BEGIN SOLUTION
choice_c = "D"
### END SOLUTION
quiz("402.c", choice_c)

# %% [markdown]
# ### Refute it
#
# PPO's policies score 500, and so does the rule with four numbers. But 9,000 weights, trained for a hundred thousand steps, must
# have learnt more. So it seems on our own case, a pole that begins a metre from the middle:

# %%
suppose("402.4", [1.0, 0.0, 0.0, 0.0])

# %% [markdown]
# **Exercise 402.4 (8 minutes).** Refute it. A start is four numbers: position (at most 2.3 m from the middle), speed (1.5 m/s), angle
# (0.2 rad), angular speed (1.5 rad/s). Find one that the rule holds, and at which three policies of PPO, trained for the check,
# *all* fall. `holds` tries many at once.

# %%
from labsupport.rl.contest import holds

widest = np.array([2.3, 1.5, 0.2, 1.5])
starts = np.random.default_rng(SEED).uniform(-widest, widest, (1000, 4))
by_rule = holds(simple_rule, starts)
by_policy = np.mean([holds(run.policy, starts) for run in course[:3]], axis=0)
print(
    f"of 1,000 starts the rule holds {by_rule.sum()}, three policies of ours on average {by_policy.sum():.0f}"
)
claim("the policies hold fewer starts than the rule", by_policy.sum() < by_rule.sum())

# %% tags=["exercise"] exercise="402.4"
### BEGIN SOLUTION
start = [1.7, -1.4, 0.09, -1.0]
### END SOLUTION

# %%
check("402.4", start)

# %% [markdown]
# ## Quiz

# %% tags=["exercise"] exercise="402.d"
### BEGIN SOLUTION
choice_d = "C"
### END SOLUTION
quiz("402.d", choice_d)

# %% [markdown]
# ## Take it to work
#
# An advantage is an outcome minus what was to be expected, and it is as useful for judging changes as for training. Which hour is the worst one to
# deploy at? An hour might look bad only because large changes are deployed then. So take a baseline: the failures of deploys of that
# size. Where an advantage is about as large as the `excess` (failures minus the mean), size explains little, as here. (The same *order* would prove
# nothing: size may make most of each excess.) But no advantage lies above 0 by more than its `±`: which hour is the worst stays open.
# (`±` is an hour's chance, and too small where none failed.)

# %%
from labsupport import own

deploys = own.deploys()  # own.deploys("deploys.csv") reads yours
deploys["hour"] = deploys.time.dt.hour
size = pd.qcut(deploys.lines_changed, 5, duplicates="drop")
deploys["advantage"] = deploys.failed - deploys.groupby(size, observed=True).failed.transform(
    "mean"
)
by_hour = deploys.groupby("hour").agg(
    deploys=("failed", "size"), failed=("failed", "mean"), advantage=("advantage", "mean")
)
by_hour["±"] = 1.96 * deploys.groupby("hour").advantage.sem()
by_hour.insert(2, "excess", by_hour.failed - deploys.failed.mean())
print(by_hour[by_hour.deploys >= 30].sort_values("advantage").round(3).to_string())

# %% [markdown]
# ## Take away
#
# - A policy gradient makes likelier what went better than expected. The baseline takes out noise and leaves the mean as it is.
# - PPO uses samples several times, and a row stops to push when its action has moved far enough. Without that, one of 35 trainings arrived.
# - Terminated: no future. Truncated: a future, and the critic says which. Either way the next row is another episode.
# - A tuned old method was as quick on this easy task. Ask for equal tries before you believe a factor.
# - `kl` is the first gauge of an update; the return stands beside it. And a score of 500 says nothing of starts that nobody tried.

# %%
from labsupport.course.picture import system_so_far

system_so_far("402")

# %% [markdown]
# **Next**: 403 puts this PPO in front of the service: replicas instead of pushes, money instead of poles. Will it beat a tuned autoscaler?
