"""Lesson 305, gradient descent and its relatives: checkers, hints, guesses and quiz."""

from functools import cache, partial
from typing import Any

import numpy as np

from labsupport.arrays import FloatArray
from labsupport.exercises import Measured, expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail
from labsupport.exercises.refute import OutsideRules

exercises = Exercises("305")

exercises.guess("g1", "Starts from which plain descent ends in the deepest of three valleys", unit="%")
exercises.guess("g2", "At constant rates, plain descent is within one point of the best of the four optimisers")
exercises.guess("g3", "What the falling rate adds to the accuracy of plain descent", unit="points")

# The landscapes of 305.1, what 1,000 steps without arrival cost there, and what the bill must stay below.
LANDSCAPES = range(40, 46)
NEVER = 1_000
BUDGET = 1_200


@exercises.check(
    "1",
    "A rate for a landscape that nobody knows",
    hints=(
        "Find the place of the lowest loss. Inf and nan come last: `np.argmin` takes the first nan for the lowest number.",
        "At the rate of the lowest loss the walk is already in trouble: it only takes some steps to show. How far below it is safe?",
        "`lowest = np.argmin(np.where(np.isfinite(losses), losses, np.inf))`, and a third to a tenth of `rates[lowest]`.",
    ),
    minutes=8,
)
def choose_rate(answer: Guarded) -> str:
    """Bill the rule on six landscapes in units of their own; one of the tests has a nan at its end."""
    choose = expect.function(answer)
    chosen, bills = [], []
    for seed in LANDSCAPES:
        rates, losses = _range_test(seed)
        rate = expect.returned_number(partial(choose, rates, losses), "the rate")
        if not 0 < rate < np.inf:
            raise Fail(f"a rate of {rate:g}", "a rate above 0", "is it a place in the array, or a loss, or a slope?")
        chosen.append(rate)
        bills.append(_steps(seed, rate))
    total = sum(bills)
    if total >= BUDGET:
        never = bills.count(NEVER)
        saw = f"{total:,} steps for six landscapes ({', '.join(map(str, bills))}), {never} of them never there"
        raise Fail(saw, f"less than {BUDGET:,}", **_mistaken_rate(chosen, bills))
    _judge_on_a_network(choose)
    return f"{total} steps for six landscapes. Who knew each landscape would have needed about 200."


def _judge_on_a_network(choose: Guarded) -> None:
    """Hand over a test such as networks have: it falls by three quarters only, and ends in a very high number."""
    rates = np.geomspace(1e-5, 10, 300)
    losses = np.interp(np.log10(rates), [-5, -3, -0.7, 0, 0.5, 1], [2.4, 2.35, 0.6, 2.3, 2.3, 1e9])
    lowest = rates[np.argmin(losses)]
    rate = expect.returned_number(partial(choose, rates, losses), "the rate")
    if not lowest / 40 <= rate < 0.9 * lowest:
        raise Fail(
            f"a rate of {rate:.2g} for a test whose loss is lowest at {lowest:.2g}, with a quarter of the first loss left",
            "somewhat below the rate of the lowest loss",
            question="does your rule count on how deep the six landscapes are, or on how they end?",
        )


@cache
def _range_test(seed: int) -> tuple[FloatArray, FloatArray]:
    from labsupport.dl.landscapes import range_test, unseen

    rates, losses = range_test(unseen(seed), seed=seed)
    if seed % 2:
        # What inf becomes in a mean or a difference.
        losses = np.where(np.isinf(losses), np.nan, losses)
    return rates, losses


@cache
def _steps(seed: int, rate: float) -> int:
    from labsupport.dl.landscapes import steps_needed, unseen

    return steps_needed(unseen(seed), rate, seed=99, at_most=NEVER)


def _mistaken_rate(chosen: list[float], bills: list[int]) -> dict[str, str]:
    tests = [_range_test(seed) for seed in LANDSCAPES]
    lowest = np.array([rates[np.nanargmin(np.where(np.isinf(losses), np.nan, losses))] for rates, losses in tests])
    share = np.array(chosen) / lowest
    if len(set(chosen)) == 1:
        return {"cause": "the same rate for every landscape: their units differ, and so do the rates that suit them"}
    if (
        any(
            np.isclose(rate, rates[np.argmin(losses)], rtol=1e-6) and np.isnan(losses).any()
            for rate, (rates, losses) in zip(chosen, tests, strict=True)
        )
        and np.isclose(share, 1).any()
    ):
        return {"cause": "`np.argmin` takes the first nan for the lowest number: put infinity in its place first"}
    if any(np.isnan(losses).any() and share[at] > 20 for at, (_, losses) in enumerate(tests)):
        return {
            "cause": "a rate at which there are no numbers left: `np.argmin` takes the first nan for the lowest loss"
        }
    if np.allclose(share, 1, rtol=1e-3):
        return {
            "cause": "this is the rate of the lowest loss, and a whole walk at it explodes: the loss answers late, so stay below it"
        }
    if share.max() > 0.34 and bills[int(share.argmax())] == NEVER:
        return {
            "cause": f"too close to the lowest loss: {share.max():.2g} of its rate on one landscape, and that walk explodes"
        }
    if share.max() < 0.08:
        return {"cause": f"too careful: {share.max():.2g} of the rate of the lowest loss or less, so the walks creep"}
    return {
        "question": "how many steps below the explosion does yours stay on each of the six, as a factor of the rate?"
    }


# The worlds of 305.2, and its budget.
WORLDS = range(700, 716)
STEPS = 400
GOAL = 0.09


@exercises.check(
    "2",
    "Large first, small last",
    hints=(
        "Two wishes: steps large enough to arrive, and steps small enough to come to rest. At which times?",
        "Begin at 0.02 to 0.035, and be near 0 at step 399. Between them a line will do.",
        "`0.03 * (1 - step / 400)`: at step 0 it is 0.03, at step 399 nearly 0.",
    ),
    minutes=6,
)
def schedule(answer: Guarded) -> str:
    """Walk with the schedule through sixteen noisy worlds, and look where it leads without noise, too."""
    at = expect.function(answer)
    rates = np.array([expect.returned_number(partial(at, step), "the rate") for step in range(STEPS)])
    rates[np.abs(rates) < 1e-12] = 0  # A line to 0 may end a rounding below it.
    for step, rate in enumerate(rates):
        if not 0 <= rate < np.inf:
            raise Fail(
                f"a rate of {rate:g} at step {step}",
                "a rate from 0 up",
                "does the line go on below 0, or is it the fall, not the rate?",
            )
    mean = np.mean([_end(world, rates, noise=5.0) for world in WORLDS])
    if mean < GOAL:
        return f"A mean loss of {mean:.3f} over sixteen worlds; the best constant rate has about 0.14."
    where = f"a mean loss of {mean:.3g} after 400 steps"
    raise Fail(where, f"below {GOAL}", **_mistaken_schedule(rates, float(mean)))


def _end(world: int, rates: FloatArray, noise: float) -> float:
    from labsupport.dl.landscapes import two_columns, walk
    from labsupport.dl.optimizers import SGD

    landscape, _ = two_columns(factor=7, seed=world)
    path = walk(landscape, SGD(lambda step: float(rates[step])), STEPS, noise=noise, seed=world)
    with np.errstate(all="ignore"):
        return float(landscape.value(path[-1]))


def _mistaken_schedule(rates: FloatArray, mean: float) -> dict[str, str]:
    quiet = np.mean([_end(world, rates, noise=0.0) for world in WORLDS])
    first, last = rates[:100].mean(), rates[-100:].mean()
    if not quiet < 10:
        return {"cause": "it explodes, and without any noise as well: some of its rates are above the limit of 0.04"}
    if np.ptp(rates) < 1e-12 * max(rates.max(), 1e-300):
        return {
            "cause": "a constant rate: it arrives and does not rest, or rests and does not arrive; let it fall with `step`"
        }
    if last > first:
        return {"cause": "turned round: it rises, so the last steps are the ones that dance most"}
    if quiet > GOAL:
        return {
            "cause": f"it does not arrive: without any noise it would still end at {quiet:.2g}. It is too small, or falls too early"
        }
    if last == 0:
        return {
            "cause": "it stops before it has come to rest: the rate is 0 over the last 100 steps, and the noise of the step before is what is left"
        }
    larger = np.where(np.arange(STEPS) < STEPS // 2, rates, np.minimum(3 * rates, 0.03))
    if np.mean([_end(world, larger, noise=5.0) for world in WORLDS]) < mean:
        return {"cause": "it falls too early or too far: the noise of the last large steps is never averaged out"}
    return {
        "cause": f"it arrives and does not rest: over the last 100 steps the rate is still {last:.2g}, and the noise is what is left"
    }


CLUES = {
    "bias correction": "Hand it one gradient. How long is the first step of a sound Adam, in rates, and how long is this one's?",
    "momentum": "Its first step is right. Hand it the same gradient twice: what should the second step be?",
    "decay": "A gradient of 1 hides the decay, and so may a large weight. Hand it a gradient of 0 on a weight of 1: by how much of the rate should the weight shrink?",
}


@exercises.check(
    "3",
    "The fault, by its steps",
    hints=(
        "For equal gradients each step of a sound Adam is one rate long. `-np.diff(walk([1.0, 1.0], 0.0)) / rate` shows the first two.",
        "Without correction the first is 3.2 rates long; with the wrong sign the second is far too short. Both are sound otherwise.",
        "For the decay: `walk([0.0], 1.0)`. Sound, the weight shrinks by a hundredth of the rate; through the gradient by the whole rate.",
    ),
    minutes=8,
)
def fault(answer: Guarded) -> str:
    """Hand over twelve programs, sound and broken, at three rates, in an order that tells nothing."""
    from labsupport.dl.broken_optimizers import DECAY, KINDS, walk_of

    name = expect.function(answer)
    trials = [(kind, rate) for rate in (0.1, 0.004, 0.7) for kind in KINDS]
    order = np.random.default_rng(305).permutation(len(trials))
    said = []
    for at in order:
        truth, rate = trials[at]
        walk = walk_of(partial(KINDS[truth], rate, weight_decay=DECAY))
        given = expect.returned(name(walk, rate), "one of the four names")
        if not isinstance(given, str) or given.strip().lower() not in KINDS:
            wanted = ", ".join(f'"{kind}"' for kind in KINDS)
            raise Fail(f"`{given!r:.40}`", wanted, "return one of these texts and nothing else")
        said.append((truth, rate, given.strip().lower()))
    wrong = [one for one in said if one[0] != one[2]]
    if not wrong:
        return "Twelve programs at three rates, each named rightly."
    truth, rate, given = wrong[0]
    saw, wanted = f'"{given}" for a program at the rate {rate}', f'"{truth}"'
    if len({given for *_, given in said}) == 1:
        raise Fail(saw, wanted, "the same answer to every program: hand it a gradient, and look at what it returns")
    if all(rate != 0.1 for _, rate, _ in wrong):
        raise Fail(
            saw, wanted, "right at the rate 0.1 and wrong at others: compare steps in rates, so divide by `rate`"
        )
    if truth == "none" and given == "decay":
        raise Fail(
            saw, wanted, "a sound program shrinks a weight of 1, too: by a hundredth of the rate at a gradient of 0"
        )
    if truth == "none":
        raise Fail(saw, wanted, question="this one is sound: which of your comparisons does it fail, and by how much?")
    raise Fail(saw, wanted, question=CLUES[truth])


# The worlds and the terms of the sentence of 305.4.
UNITS = range(60, 63)
RATE, BUDGETED = 0.01, 500


@exercises.refute(
    "4",
    "Adam minds no unit: at a rate of 0.01 it brings the loss down to a hundredth in 500 steps, whatever the second column is measured in",
    case="a factor from 0.01 to 100 for the second column",
    hints=(
        "A gradient that is a hundred times as large changes nothing for Adam. That is why large factors hold.",
        "If a column's numbers become ten times smaller, the weight that belongs to it must become ten times larger.",
        "A step of Adam is about one rate long: 500 steps lead 5 far. For which factor lies the best weight farther away?",
    ),
    minutes=5,
)
def adam_minds_no_unit(case: Any) -> Measured:
    """Walk in three worlds; the sentence fails when none of them arrives."""
    from labsupport.dl.landscapes import two_columns, walk
    from labsupport.dl.optimizers import Adam

    factor = _factor(case)
    left, far = [], []
    for world in UNITS:
        landscape, best = two_columns(factor, seed=world)
        losses = landscape.value(walk(landscape, Adam(RATE), BUDGETED))
        left.append(losses[-1] / losses[0])
        far.append(abs(best[1]))
    numbers = f"in three worlds {min(left):.2%} to {max(left):.2%} of the loss are left (the sentence fails where it is more than a hundredth in all three); the second weight must go to {np.mean(far):.3g}, and {BUDGETED} steps of {RATE} lead about {BUDGETED * RATE:g} far"
    return Measured(min(left) <= 0.01, numbers)


def _factor(case: Any) -> float:
    one = case.item() if isinstance(case, np.generic | np.ndarray) and case.size == 1 else case
    if isinstance(one, bool) or not isinstance(one, int | float):
        raise OutsideRules(f"a factor is a number from 0.01 to 100, this is {one!r:.30}")
    if not 0.01 <= one <= 100:
        raise OutsideRules(f"a factor lies between 0.01 and 100, this is {one!r:.30}")
    return float(one)


exercises.quiz(
    "a",
    "A colleague halves the batch: 32 pictures instead of 64, everything else stays. The curve of the range test is more ragged now, its lowest point a little further left. Which rate would you take first?",
    ("Twice the old one: a step now costs half, so each may be bolder.", False, "Half the pictures make the gradient noisier, not smaller. Bolder steps on a noisier gradient are what the ragged curve warns of."),
    ("The old one: the network is the same, so the landscape and its limit are the same.", False, "The landscape is, but what each step sees of it is not. The test is the evidence that you have, and it moved."),
    ("A somewhat smaller one, below the new lowest point by the usual factor, and then tries around it.", True, "More noise a step wants smaller steps, and that is what the test says. It says it roughly: hence the tries."),
    ("It can't be told: a ragged curve is no evidence at all.", False, "Smooth it over some steps, or repeat it from another start. Decades can be told apart all the same."),
)  # fmt: skip
exercises.quiz(
    "b",
    "A paper's new optimiser beats plain descent by 1.2 points, the interval over five seeds is 0.8 to 1.6. It was tuned with 40 rates, plain descent has the rate of the textbook. What do you know?",
    ("The new one is better, since the interval is far from 0.", False, "The interval knows about seeds and nothing about tuning. It says that *these two settings* differ."),
    ("That 40 tries against none may be worth as much by themselves.", True, "Tune both alike, and ask again. You saw what the rate alone does to plain descent. As long as only one side was tuned, the gap is of optimiser and tuning together."),
    ("Nothing at all, because five seeds are too few for such an interval.", False, "Five paired seeds were enough for such an interval here. More of them would make it narrower, and no fairer."),
    ("That plain descent would win if it were tuned alike, as the simpler one.", False, "Perhaps, perhaps not: in our contest it had the same tries and did not. It has to be tried."),
)  # fmt: skip
exercises.quiz(
    "c",
    "Training is interrupted each night and goes on in the morning from the saved weights, with a new Adam. Each morning the loss jumps up for a while. A job that runs through has no such jumps. What is the likeliest cause?",
    ("Adam's memories were not saved: its first steps are a full rate long.", True, "On a smooth place its means start at 0. Divided by its share, the first gradient is taken for all there is: every weight moves by the whole rate, however settled it was. Save the optimiser with the weights."),
    ("Weights lose their last digits in the file, and training begins beside the place.", False, "They are saved with all their digits; and a lost last digit would not be seen in a loss."),
    ("The first batches of the morning are harder than those that come later on.", False, "They come in a random order like all others, and the job that runs through meets them as well."),
    ("Adam's rate is too small to hold the network where it is.", False, "A small rate holds still by itself. What moves the weights is a rate that is too large for a place that was nearly at rest."),
)  # fmt: skip
