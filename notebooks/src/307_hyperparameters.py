# ---
# jupyter:
#   labs:
#     title: "Hyperparameters and what a search costs"
#     question: Which settings should I train with, what may finding them cost, and how good are they really?
#     part: 3
#     will:
#       - look at a space of settings before you search it, and see which of them matters
#       - read random search, grid and successive halving, and write the rule by which ASHA never waits
#       - compare searches by the euros they cost, in pairs, with random search in to the last step
#       - let Optuna prune, and ask it which setting mattered
#       - choose a winner that is still one on pictures that nobody has searched with
#     need: What a network, an epoch and a learning rate are (301; 305 helps), and what an interval says.
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# ## The bridge
#
# You don't give each canary a whole day. After five minutes those with errors are gone, after an hour one is left, and only that one
# gets all the traffic. **Searches for good settings spend machines in the same way:** many short trials, a few long ones.
#
# The likeness ends twice. A canary with errors in the first minutes does not recover. A training that looks bad early may win in the
# end. And a canary meets one rival; who picks the best of sixty trials also picks the luckiest.

# %% tags=["parameters"]
SEED = 0

# %% [markdown]
# ## See it: five values in a dictionary
#
# **Hyperparameters** are values that steer the training, and that training itself does not learn from the data. Somebody sets them
# by hand, or a search tunes them. A typical tutorial (the handout's *Common hyperparameters*) keeps them in a dictionary that nothing reads.
# Here a frozen dataclass drives the build, so no value can hide.
#
# The task is small, so that you may train it a thousand times: 600 pictures of clothes, 14 by 14 pixels, plain descent with a falling
# rate, 27 epochs. Sixty trials draw their settings at random. The tutorial's own values get all of their 100 epochs.

# %% tags=["setup"]
import inspect
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from labsupport import plots
from labsupport.exercises import check, claim, guess, hint, quiz, reveal, solution, suppose, use

plots.use_style()
# Optuna asks for a progress bar that JupyterLab may lack; we draw none.
warnings.filterwarnings("ignore", message="IProgress not found")
COLORS = {
    "random": plots.INK,
    "grid": plots.PURPLE,
    "halving": plots.BLUE,
    "ASHA": plots.ORANGE,
    "Optuna": plots.GREEN,
}

# %%
hyperparameters = {
    'epochs': 100,
    'learning_rate': 0.001,
    'batch_size': 32,
    'dropout_rate': 0.2,
    'hidden_layers': [128, 64, 32]
}  # fmt: skip
from labsupport.dl.search import RandomSearch
from labsupport.dl.trials import LONGEST, SPACE, Model, Split, Trainer

print(inspect.getsource(Model).split("@classmethod")[0])
for name, values in SPACE.items():
    print(f"{name:<8} {values}")
split = Split.draw(SEED)
search, trainer = RandomSearch(SPACE, seed=SEED), Trainer(split, seed=SEED)
jobs = [search.ask() for _ in range(60)]
trials = pd.DataFrame([job.settings for job in jobs])
trials["valid"] = [100 * trainer(job) for job in jobs]
by_hand = Model(
    hyperparameters["learning_rate"],
    hyperparameters["batch_size"],
    tuple(hyperparameters["hidden_layers"]),
    hyperparameters["dropout_rate"],
)
tutorial = 100 * Trainer(split, SEED, longest=100).train(0, by_hand, more=100, epochs=100)
guess("307.g1")

# %% tags=["draw", "nbval-ignore-output"]
figure, panels = plt.subplots(ncols=3, figsize=(7, 2.6))
for axes, name in zip(panels, ("rate", "width", "dropout"), strict=True):
    axes.plot(trials[name], trials.valid, "o", ms=4, color=plots.BLUE, label="random trial")
    axes.set(
        xlabel={
            "rate": "rate of the first step",
            "width": "width (units)",
            "dropout": "dropout (share)",
        }[name],
        ylabel="accuracy (%)",
        ylim=(0, 90),
    )
panels[0].plot(0.001, tutorial, "*", ms=12, color=plots.INK, label="the tutorial's")
panels[0].set(xscale="log")
panels[1].set(xscale="log")
panels[1].set_xticks([10, 30, 100], ["10", "30", "100"])
panels[1].minorticks_off()
figure.legend(
    *panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=2, fontsize=8
)
figure.suptitle("Sixty trials: the rate speaks loudest", x=0.01, ha="left", fontweight="bold")
plots.show(
    figure,
    alt="Three clouds of the same sixty accuracies. Over the rate they rise steeply from 10 percent to a plateau below 80 above 0.1; over width they rise a little, over dropout there is no clear shape.",
    summary=[
        f"rates from {low:g} to {high:g}: median {trials.valid[trials.rate.between(low, high)].median():.0f} %"
        for low, high in ((0.001, 0.01), (0.01, 0.1), (0.1, 1))
    ],
)

# %% tags=["nbval-ignore-output"]
print(f"sixty trials: median {trials.valid.median():.0f} %, best {trials.valid.max():.0f} %")
print(f"the tutorial's values, 100 epochs: {tutorial:.0f} %")
reveal("307.g1", bool(tutorial > trials.valid.median()))

# %%
claim(
    "the tutorial's values stay ten points below the median of random ones, at nearly four times the epochs",
    tutorial < trials.valid.median() - 10,
)
decades = [
    trials.valid[trials.rate.between(low, 10 * low)].median() for low in (0.001, 0.01, 0.1)
]
claim(
    "each tenfold rate does better: by 25 points at first, then by some more",
    decades[1] > decades[0] + 25 and decades[2] > decades[1],
)

# %% [markdown]
# Is 0.001 a bad rate? It is the usual one of *Adam*, whose steps are as long as the rate says (305). Plain descent multiplies it by small
# gradients. **A value says nothing without the program that reads it.**

# %% [markdown]
# ## Build it: ask, tell, pay
#
# A search needs two methods. `ask()` returns a job: train *this* trial until it has had *so many* epochs. `tell(job, value)` hands over what
# came out. It knows no trainer and no clock, so it runs here, and in pods (607).
#
# A job costs by what it multiplies. We rent four machines at 3 € an hour, on a made-up clock that runs by
# multiplications: your laptop gets the same bill as mine.

# %%
from labsupport.dl.machines import Rental
from labsupport.dl.search import ASHA, GridSearch, SuccessiveHalving, best
from labsupport.dl.trials import minutes

rental = Rental(machines=4, minutes=120, price=3.0)
whole = np.array([minutes(job) for job in jobs])
print(
    f"a whole training takes {np.quantile(whole, 0.1):.0f} to {np.quantile(whole, 0.9):.0f} minutes (the middle 80 %), {whole.mean() / 60 * 3:.2f} € on average"
)
print(
    f"four machines for two hours: {rental.euros:.0f} €, {rental.euros / (whole.mean() / 20):.0f} whole trainings"
)

# %% [markdown]
# ### Grid or random?
#
# A **grid** tries all combinations of some values. Nine trials over two settings try three values of each. If only one of the two matters,
# six of the nine repeat what is known. Nine **random** trials try nine values of each.

# %%
plans = {
    "grid": GridSearch(SPACE, {"rate": 3, "dropout": 3}, seed=SEED),
    "random": RandomSearch(SPACE, seed=SEED),
}
for name, plan in plans.items():
    nine = [plan.ask().settings["rate"] for _ in range(9)]
    print(f"{name:<7} rates tried:", *sorted({f"{rate:.3f}" for rate in nine}))

# %% [markdown]
# The grid pays off for whoever knows *which* setting matters: it puts all its values there. Ours will know, for we have looked: four rates,
# two widths, the rest in the middle.
#
# ### Successive halving
#
# Begin with 27 trials for one epoch each. The best third goes on to 3 epochs, the best third of those to 9, the last one to 27. A paused
# training goes on where it stopped. This is all that decides who climbs:

# %%
print(inspect.getsource(best))
print(inspect.getsource(SuccessiveHalving._climb))

# %% [markdown]
# Will early values tell? And what does it mean for four machines that *all wait for the last one* at each rung, and have nothing to do while the one finalist trains? Guess which share of the paid
# time they stand idle.

# %%
guess("307.g2", low=..., high=...)

# %% tags=["nbval-ignore-output"]
seen = {
    name: rental.run(search, Trainer(split, seed=SEED), minutes)
    for name, search in {
        "halving": SuccessiveHalving(SPACE, seed=SEED),
        "ASHA": ASHA(SPACE, seed=SEED),
    }.items()
}
idle = {
    name: rental.idle_share(done, max(one.end for one in done)) for name, done in seen.items()
}
for name, done in seen.items():
    epochs = sum(each.job.epochs - each.job.trained for each in done)
    print(
        f"{name:<8} idle {idle[name]:.0%}, {len({each.job.trial for each in done})} trials, {epochs} epochs"
    )
reveal("307.g2", 100 * idle["halving"])

# %% tags=["draw", "nbval-ignore-output"]
figure, panels = plt.subplots(nrows=2, figsize=(7, 3.3), sharex=True)
for axes, (name, done) in zip(panels, seen.items(), strict=True):
    for rung, color in enumerate((plots.SKY, plots.BLUE, plots.ORANGE, plots.RED)):
        here = [each for each in done if each.job.rung == rung]
        axes.barh(
            [each.machine + 1 for each in here],
            [each.end - each.begin for each in here],
            left=[each.begin for each in here],
            height=0.75,
            color=color,
            edgecolor="white",
            linewidth=0.4,
            label=f"to {3**rung} epochs" if rung else "to 1 epoch",
        )
    axes.set(
        title=name if name == "ASHA" else "Halving",
        ylabel="machine",
        yticks=range(1, 5),
        xlim=(0, 120),
    )
panels[1].set_xlabel("minutes on the made-up clock")
panels[0].legend(ncols=4, fontsize=8, loc="upper right", bbox_to_anchor=(1, 1.3))
plots.show(
    figure,
    alt="Two charts of four machines over two hours. With halving coloured jobs are followed by white gaps before each rung, and one machine works alone for long; with ASHA there are hardly any gaps until the end.",
    summary=[
        f"{name}: idle {share:.0%} of the paid time until its last job ended"
        for name, share in idle.items()
    ],
)

# %%
claim("halving leaves more than a quarter of the paid time idle", idle["halving"] > 0.25)
claim("ASHA leaves less than half of that", idle["ASHA"] < idle["halving"] / 2)

# %% [markdown]
# **ASHA** does not wait. A machine that is free asks, from the highest rung down: is somebody among the best third *of those told there so
# far*, who has not gone on yet? Then that one goes on. If there is nobody, a new trial begins.

# %% [markdown]
# **Exercise 307.1 (10 minutes).** Write that rule. Of n trials told at a rung, whole thirds count: of 5, one may go on (`eta` may be another share). A trial that
# failed was told `nan`; it counts among the n and never goes on. From the last rung nobody goes on.


# %% tags=["exercise"] exercise="307.1"
def who_goes_on(told, went_on, eta=3):
    """Return (trial, rung) of who goes on from which rung, or None: begin a new trial.

    `told`: a dictionary {trial: value} for each rung, 0 first, more is better; `went_on`: a set of trials for each rung.
    """
    ### BEGIN SOLUTION
    for rung in reversed(range(len(told) - 1)):
        alive = [trial for trial, value in told[rung].items() if value == value]
        alive.sort(key=lambda trial: told[rung][trial], reverse=True)
        for trial in alive[: len(told[rung]) // eta]:
            if trial not in went_on[rung]:
                return trial, rung
    return None
    ### END SOLUTION


# %%
check("307.1", who_goes_on)

# %% [markdown]
# ### The contest
#
# Six rounds. In each, all searches get the same pictures, the same machines and the same 24 €. Every one may ship, at any time, the network that had the
# highest accuracy so far on the 200 pictures to *choose* by. It is judged on 3,000 that no search has seen.

# %%
from labsupport.dl.search_contest import shipped

who_goes_on = use("307.1", who_goes_on)


class MyASHA(ASHA):
    """ASHA by your rule."""

    def _next(self):
        found = who_goes_on(self.told, self._went_on, self.eta)
        if found is None:
            return self._new()
        trial, rung = found
        self._went_on[rung].add(trial)
        return trial, rung + 1


ROUNDS = range(100 * SEED, 100 * SEED + 6)
EUROS = np.arange(2, 24.5, 0.5)


def judged(make):
    """Return the accuracy (%) of what a search would ship after each of EUROS, in each round: shape (6, 45)."""
    return np.array(
        [100 * shipped(make(SPACE, n), Split.draw(n), n, EUROS, rental) for n in ROUNDS]
    )


SEARCHES = {
    "random": lambda space, seed: RandomSearch(space, seed=seed),
    "grid": lambda space, seed: GridSearch(space, {"rate": 4, "width": 2}, seed=seed),
    "halving": lambda space, seed: SuccessiveHalving(space, seed=seed),
    "ASHA": lambda space, seed: MyASHA(space, seed=seed),
}
curves = {name: judged(make) for name, make in SEARCHES.items()}

# %% tags=["nbval-ignore-output"]
from labsupport.dl.contest import paired


def against_random(name, euros):
    """Return the mean difference to random search in points, and its 95 % interval, after so many euros."""
    at = np.searchsorted(EUROS, euros)
    return paired(curves[name][:, at], curves["random"][:, at])


def show_table():
    for euros in (6, 12, 24):
        for name in curves:
            row = f"{euros:>2} € {name:<7} {curves[name][:, np.searchsorted(EUROS, euros)].mean():5.1f} %"
            if name != "random":
                row += "  ahead of random by {:+.1f} points ({:+.1f} to {:+.1f})".format(
                    *against_random(name, euros)
                )
            print(row)


show_table()


# %% tags=["draw", "nbval-ignore-output"]
def draw_curves(names, title):
    figure, axes = plt.subplots(figsize=(7, 3))
    for name, mark in zip(names, ("-", ":", "--", "-", "-."), strict=False):
        axes.plot(EUROS, curves[name].mean(axis=0), mark, color=COLORS[name], label=name)
    axes.set(
        title=title,
        xlabel="paid so far (€)",
        ylabel="accuracy on unseen (%)",
        ylim=(0, 85),
        xlim=(0, 24),
    )
    axes.legend(loc="lower right", ncols=2)
    return figure


plots.show(
    draw_curves(SEARCHES, "What each could ship, mean of six rounds"),
    alt="Four rising curves over the euros paid. ASHA and halving rise first, random and grid jump up later; at the end all four meet between 70 and 80 percent.",
    summary=[
        f"{name}: 70 % after {EUROS[np.argmax(mean >= 70)]:.1f} €"
        if (mean := each.mean(axis=0)).max() >= 70
        else f"{name}: never 70 %"
        for name, each in curves.items()
    ],
)

# %%
first, late = against_random("ASHA", 3), against_random("ASHA", 24)
claim(
    "after 3 €, when random search has little to ship, ASHA is ahead beyond chance",
    first[1] > 0,
)
claim("at the end its lead is less than a quarter of that", late[0] < first[0] / 4)

# %% [markdown]
# Early stopping buys something to ship for the first euros. It need not be the first at 70 %: see the summary of the figure. Later, read each
# interval: six rounds say little about two points. Forty do (`python benchmarks/searches.py`, November 2026): against random, ASHA is ahead by 28.9 points after 6 €, by 7.5 after 12 €, and by 1.8
# (0.5 to 3.0) after 24 €. Halving ends at +0.6 (-0.8 to 2.0), the grid at +3.0 (1.8 to 4.1).
#
# The grid wins? Its author knew where to put four rates and two widths, from the sixty trials above. Who has paid for those?

# %%
print(
    f"the sixty trials of See it: {rental.price * whole.sum() / 60:.0f} €, which are on no bill of the contest"
)

# %% tags=["exercise"] exercise="307.a"
### BEGIN SOLUTION
choice_a = "C"
### END SOLUTION
quiz("307.a", choice_a)

# %% [markdown]
# ## Use it: Optuna
#
# Optuna has the same two questions. Its **sampler** (TPE) draws more often where trials went well; its **pruner** ends a trial whose value is below the
# median of the others at the same look. Here are both behind our `ask` and `tell`, so the same machines, rounds and euros.

# %% tags=["nbval-ignore-output"]
import optuna

from labsupport.dl.optuna_search import OptunaSearch

optuna.logging.set_verbosity(optuna.logging.WARNING)
print(inspect.getsource(OptunaSearch.tell))


def pruning(space, seed):
    """Return a search by Optuna's usual sampler and pruner."""
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=5),
    )
    return OptunaSearch(study, space)


curves["Optuna"] = judged(pruning)
show_table()

# %%
claim(
    "with all the money spent, no search is ten points ahead of random",
    all(against_random(name, 24)[0] < 10 for name in curves if name != "random"),
)

# %% [markdown]
# ### Which setting mattered?
#
# Optuna fits a forest to settings and values, and asks which share of the variation each setting explains (**fANOVA**) when all of its range counts
# alike. As it comes, "alike" means on a plain scale, whatever scale we drew on: nine tenths of a rate from 0.001 to 1 are then rates above 0.1. So
# `study_of` hands it logarithms, unless we ask for the other (`plain`). Ask of all sixty random trials, in both ways; of each half; and of those that a
# careful colleague would have drawn, with rates from 0.1 to 0.6. A second method, **PED-ANOVA**, asks how differently the best tenth of the
# trials is spread over each setting.

# %% tags=["nbval-ignore-output"]
from labsupport.dl.optuna_search import study_of
from labsupport.dl.space import Real


def importance(chosen, space=SPACE, evaluator=None, logarithms=True):
    """Return each setting's share of the explained variation in %, for some of the sixty trials."""
    told = [
        (jobs[at].settings, trials.valid[at]) for at in chosen if np.isfinite(trials.valid[at])
    ]
    evaluator = evaluator or optuna.importance.FanovaImportanceEvaluator(seed=0)
    study = study_of(space, told, logarithms)
    found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return pd.Series(found).mul(100).reindex(list(space))


narrow = SPACE | {"rate": Real(0.1, 0.6, log=True)}
careful = trials.index[trials.rate.between(0.1, 0.6)]
mattered = pd.DataFrame(
    {
        "plain": importance(range(60), logarithms=False),
        "all 60": importance(range(60)),
        "PED-ANOVA": importance(
            range(60), evaluator=optuna.importance.PedAnovaImportanceEvaluator()
        ),
        "first 30": importance(range(30)),
        "last 30": importance(range(30, 60)),
        f"0.1 to 0.6 ({len(careful)})": importance(careful, narrow),
    }
)
print(mattered.round(0).astype(int).to_string())

# %%
claim(
    "with logarithms the forest names the rate first, of all trials and of each half",
    all(mattered[column].idxmax() == "rate" for column in ("all 60", "first 30", "last 30")),
)
claim(
    "on a plain scale it gives the rate at least twenty points less",
    mattered["plain"]["rate"] < mattered["all 60"]["rate"] - 20,
)
claim(
    "where the rate's range is narrow, it explains less",
    mattered.iloc[:, -1]["rate"] < mattered["all 60"]["rate"],
)

# %% [markdown]
# As it comes, the forest names the batch first (`SEED = 0`): it looks nearly only at rates above 0.1, where *See it* shows a plateau. On the scale that
# we drew on it names the rate, in each half, as do PED-ANOVA and the picture. So an importance belongs to a **range and its scale**, not to a
# setting: choose the rate well beforehand, and it matters less. Who comes second differs between columns: thirty trials in five directions
# are few, and those from 0.1 to 0.6 fewer still. Believe what columns and picture agree on; the rest is a reason to look.

# %% tags=["exercise"] exercise="307.b"
### BEGIN SOLUTION
choice_b = "A"
### END SOLUTION
quiz("307.b", choice_b)

# %% [markdown]
# ## Break it: the luckiest of sixty
#
# All searches end in the same way: take the trial with the highest validation accuracy. Here are our sixty networks on 4,000 pictures that none has
# learnt from. We choose by 100 of them, by the best of 1, 5, 20 or 60 trials, and look at the *others*; 400 times, with other pictures (the sixty are always the same).
# How many points lower is the best of sixty there?

# %%
guess("307.g3", low=..., high=...)

# %% tags=["nbval-ignore-output"]
many = Split.draw(SEED, valid=4_000).valid
alive = [at for at in range(60) if np.isfinite(trials.valid[at])]
right = np.array(
    [trainer.network(jobs[at]).forward(many[0]).argmax(axis=1) == many[1] for at in alive]
)
rng = np.random.default_rng(SEED)


def winners(tries, pictures, repeats=400):
    """Return (seen, true) accuracies in % of the winner among some trials, chosen by some pictures: shape (repeats, 2)."""
    found = np.empty((repeats, 2))
    for number in range(repeats):
        order = rng.permutation(right.shape[1])
        some = rng.choice(len(right), min(tries, len(right)), replace=False)
        seen = right[np.ix_(some, order[:pictures])].mean(axis=1)
        chosen = some[seen.argmax()]
        found[number] = seen.max(), right[chosen, order[pictures:]].mean()
    return 100 * found


gaps = {}
for pictures in (100, 1_000):
    for tries in (1, 5, 20, 60):
        seen, true = winners(tries, pictures).T
        gaps[pictures, tries] = seen - true
        print(
            f"best of {tries:>2} by {pictures:>5} pictures: seen {seen.mean():.1f} %, held out {true.mean():.1f} %, gap {gaps[pictures, tries].mean():+.1f}"
        )
reveal("307.g3", gaps[100, 60].mean())

# %% tags=["draw", "nbval-ignore-output"]
figure, axes = plt.subplots(figsize=(6.4, 2.6))
for pictures, color, mark in ((100, plots.RED, "-o"), (1_000, plots.BLUE, "--s")):
    axes.plot(
        [1, 5, 20, 60],
        [gaps[pictures, tries].mean() for tries in (1, 5, 20, 60)],
        mark,
        color=color,
        label=f"chosen by {pictures:,} pictures",
    )
axes.set(
    title="What the winner loses on pictures it was not chosen by",
    xlabel="trials to choose from",
    ylabel="gap (points)",
    ylim=(-0.5, None),
)
axes.legend(loc="upper left")
plots.show(
    figure,
    alt="Two curves over the number of trials. Both begin at a gap of 0; the one for 100 pictures climbs to several points, the one for 1,000 stays near 1.",
    summary="Mean gap of the best of 60: "
    + ", ".join(f"{gaps[p, 60].mean():.1f} points by {p:,} pictures" for p in (100, 1_000))
    + ".",
)

# %%
claim(
    "one trial has no gap, the best of sixty by 100 pictures one of two points or more",
    abs(gaps[100, 1].mean()) < 0.6 and gaps[100, 60].mean() > 2,
)
claim(
    "ten times the pictures make it less than half",
    gaps[1_000, 60].mean() < gaps[100, 60].mean() / 2,
)

# %% [markdown]
# Nobody cheated. The validation set has been *learnt from*, by choosing. What a search reports of its winner is no forecast; that takes pictures it
# was not chosen by. Can one also choose better? Looks cost money.

# %% [markdown]
# **Exercise 307.2 (8 minutes).** A search left sixty trials, each seen once: `first` is {trial: accuracy in %}. `look(trial)` trains one again, with another
# seed and on other pictures: looks at one trial scatter by 5 points. It costs 5 €. Return the trial to ship. Each point that it
# truly is behind the best trial costs 500 €. Over 200 teams, your mean bill must stay below 850 €.

# %%
from labsupport.lessons.cases.finalists_307 import Team, bills


def the_best_seen(first, look):
    """Ship the trial that was seen best."""
    return max(first, key=first.get)


def bill_of(rule):
    """Print the mean bill of a rule over 200 teams, and its two parts."""
    found = np.mean(bills(rule, range(1_000, 1_200)), axis=0)
    print("{:,.0f} €: looks {:.0f} €, behind the best by {:.1f} points".format(*found))


bill_of(the_best_seen)


# %% tags=["exercise"] exercise="307.2"
def ship(first, look):
    """Return the trial to ship. `first`: {trial: accuracy}; `look(trial)`: another accuracy, for 5 €."""
    ### BEGIN SOLUTION
    finalists = sorted(first, key=first.get, reverse=True)[:8]
    again = {trial: np.mean([look(trial) for _ in range(4)]) for trial in finalists}
    return max(again, key=again.get)
    ### END SOLUTION


# %%
check("307.2", ship)

# %%
ship = use("307.2", ship)
bill_of(ship)

# %% [markdown]
# ### A space that somebody narrowed
#
# A typical tutorial tunes with Katib (the handout's *DevOps for Hyperparameter Tuning*). Here is what decides about the search:

# %%
import yaml

experiment = yaml.safe_load("""
  objective: {type: maximize, goal: 0.99, objectiveMetricName: accuracy}
  algorithm: {algorithmName: random}
  parallelTrialCount: 3
  maxTrialCount: 12
  maxFailedTrialCount: 3
  parameters:
  - {name: learning_rate, parameterType: double, feasibleSpace: {min: "0.01", max: "0.1"}}
  - {name: batch_size, parameterType: int, feasibleSpace: {min: "16", max: "128"}}
""")
low, high = (float(experiment["parameters"][0]["feasibleSpace"][end]) for end in ("min", "max"))
print(
    f"the tutorial's own rate {hyperparameters['learning_rate']} lies inside: {low <= hyperparameters['learning_rate'] <= high}"
)
print(
    f"the best of our sixty, {trials.rate[trials.valid.idxmax()]:.2f}, lies inside: {low <= trials.rate[trials.valid.idxmax()] <= high}"
)
print(
    f"drawn without a log scale, {(0.1 - 0.03) / (0.1 - 0.01):.0%} of the rates lie above 0.03 (here the good ones, by luck)"
)

# %% [markdown]
# It also names no program to run (`trialTemplate`, 607), no seed, and not on *which* pictures 0.99 is to be reached; with labels that contradict
# each other (301) nothing reaches it. The range is the silent fault: a search reports the best *of what it was allowed to try*.

# %% [markdown]
# **Exercise 307.3 (6 minutes).** Write a space for Optuna from which the tutorial's own values can be drawn (width 128 with 3 layers, rate 0.001, batch 32,
# dropout 0.2), and the good rates of *See it*, too. Each tenfold of the rate is to be about as likely. No dropout at all must be possible.
# Don't pay for rates above 10, or for more than half of the values silenced. Look at which values are whole.


# %% tags=["exercise"] exercise="307.3"
def suggest(trial):
    """Return {"rate", "batch", "width", "layers", "dropout"} from `trial.suggest_float(name, low, high, log=...)` and `suggest_int`."""
    ### BEGIN SOLUTION
    return {
        "rate": trial.suggest_float("rate", 0.001, 1, log=True),
        "batch": trial.suggest_int("batch", 16, 128, log=True),
        "width": trial.suggest_int("width", 16, 128, log=True),
        "layers": trial.suggest_int("layers", 1, 3),
        "dropout": trial.suggest_float("dropout", 0, 0.5),
    }
    ### END SOLUTION


# %%
check("307.3", suggest)

# %% [markdown]
# Does it pay? Same money, not same trials: random search spends 24 € in the tutorial's space (with its dictionary's other values), and 24 € in yours.
# Chosen by 200 pictures, judged by 3,000, in six rounds.

# %% tags=["nbval-ignore-output"]
from labsupport.dl.search import Job

suggest = use("307.3", suggest)


def theirs(trial):
    """Draw from the tutorial's space."""
    return {
        "rate": trial.suggest_float("rate", low, high),
        "batch": trial.suggest_int("batch", 16, 128),
        "width": 128,
        "layers": 3,
        "dropout": 0.2,
    }


def spend(space, number):
    """Return (trials, test accuracy in % of the best by validation) for 24 € of random trials."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=number))
    trainer, told, left = Trainer(Split.draw(number), seed=number), [], rental.euros
    while True:
        job = Job(len(told), space(study.ask()), 0, 0, LONGEST)
        left -= rental.price * minutes(job) / 60
        if left < 0:
            break
        told.append((np.nan_to_num(trainer(job)), job))
    best_job = max(told, key=lambda each: each[0])[1]
    return len(told), 100 * trainer.judge(best_job)


counts, found = np.array(
    [[spend(space, n) for n in ROUNDS] for space in (theirs, suggest)]
).transpose(2, 0, 1)
difference = paired(found[1], found[0])
for name, count, accuracy in zip(("theirs", "yours"), counts, found, strict=True):
    print(f"{name:<7} {count.mean():.1f} trials for 24 €, {accuracy.mean():.1f} %")
print("yours - theirs: {:+.1f} points ({:+.1f} to {:+.1f})".format(*difference))

# %%
claim(
    "where small networks may be drawn, the same money buys at least half as many trials again",
    counts[1].mean() > 1.5 * counts[0].mean(),
)

# %% [markdown]
# Read the interval before you say that the repair has paid. And the tutorial's few trials are its *network's* price, which its search may not change.
# A narrow range is a bet; no search looks beyond it.

# %% tags=["exercise"] exercise="307.c"
### BEGIN SOLUTION
choice_c = "D"
### END SOLUTION
quiz("307.c", choice_c)

# %% [markdown]
# ### Refute it
#
# All early stopping rests on one sentence. Two settings, each (rate, batch), the early leader first:

# %%
suppose("307.4", ((0.1, 16), (0.01, 64)))

# %% [markdown]
# **Exercise 307.4 (6 minutes).** Refute it: name two pairs, the leader first, rates from 0.001 to 1 and batches from 8 to 256, for a network 64-32. After the first
# epoch the leader must be ahead by five points. The rate falls to 0 over 27 epochs: who suffers at first, and is
# calmed later?

# %% tags=["exercise"] exercise="307.4"
### BEGIN SOLUTION
case = ((0.02, 16), (0.6, 64))
### END SOLUTION

# %%
check("307.4", case)

# %% [markdown]
# ## Quiz

# %% tags=["exercise"] exercise="307.d"
### BEGIN SOLUTION
choice_d = "B"
### END SOLUTION
quiz("307.d", choice_d)

# %% [markdown]
# ## Take it to work
#
# An alarm has hyperparameters, too: how fast it forgets, and how many deviations are too many. Sixty random settings for **your own** service, chosen on the
# earlier days and judged on the last one. The score: of all points in time with an alarm, yours or this one, the share with both. (In the example neither is
# one to ship by: the match is poor where it was chosen, and poorer where nobody chose.)

# %% tags=["nbval-ignore-output"]
from labsupport import own
from labsupport.dl.space import draw

table = own.grid(own.prometheus(), by="metric")  # own.prometheus("answer.json") reads yours
p95, firing = table["job:http_latency_seconds:p95"], table["ALERTS"].fillna(0) > 0
last_day = p95.index > p95.index.max() - pd.Timedelta("1D")


def agreement(setting, rows):
    usual = p95.ewm(alpha=setting["forget"])
    alarm = p95 > usual.mean().shift() + setting["limit"] * usual.std().shift()
    return (alarm & firing)[rows].sum() / (alarm | firing)[rows].sum()


tried = [
    draw({"forget": Real(0.005, 0.5, log=True), "limit": Real(0.5, 8)}, rng) for _ in range(60)
]
winner = max(tried, key=lambda setting: agreement(setting, ~last_day))
print(
    f"forget {winner['forget']:.3f}, limit {winner['limit']:.1f}: chosen with {agreement(winner, ~last_day):.0%},",
    f"on the last day {agreement(winner, last_day):.0%} ({firing[last_day].sum()} points in time with your alarm)",
)

# %% [markdown]
# ## Take away
#
# - A space before a search: a log scale where factors count, room around what is known, small and cheap models in it.
# - Halving and ASHA have something to ship for the first euros, and in ASHA no machine waits. The more whole trainings you can
#   pay, the less is their lead over random search.
# - An early lead may turn: a large rate dances at first, and a schedule calms it.
# - An importance belongs to a range, its scale, and the trials that were drawn. Ask on the scale that you drew on.
# - The winner's own number is luck in part: look at finalists again, and judge by pictures that nobody chose by.

# %%
from labsupport.course.picture import system_so_far

system_so_far("307")

# %% [markdown]
# **Next**: 607 runs these very searches with one pod a trial.
