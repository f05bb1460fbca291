"""Lesson 402, policy gradients and PPO: checkers, hints, guesses and quiz."""

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from labsupport.exercises import Measured, expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded, learners_code
from labsupport.exercises.outcomes import Fail
from labsupport.exercises.refute import OutsideRules

if TYPE_CHECKING:
    import pandas as pd

    from labsupport.rl.contest import Run

exercises = Exercises("402")

exercises.guess("g1", "Steps until the last 100 episodes average 475, the median of five trainings", unit="thousand")
exercises.guess("g2", "REINFORCE with a baseline needs at least twice as many steps to the goal as PPO (medians)")
exercises.guess("g3", "Without the clip, at least one of five trainings reaches the goal")


@exercises.check(
    "1",
    "Who still pushes?",
    hints=(
        "Take one row, `advantage = 1`, and write down the objective for the ratios 0.5, 0.9, 1.1 and 1.5. Where does it still change with the ratio?",
        "For a good action the clipped side is the smaller one above 1.2 only. Below 0.8 the *unclipped* side is smaller, and it has a slope.",
        "For a bad action all is mirrored: `np.where(advantage > 0, ratio < 1 + clip, ratio > 1 - clip)`.",
    ),
    minutes=6,
)
def pushes(answer: Guarded) -> str:
    """Compare with the slope of the objective, over rows on both sides of the clip."""
    name = expect.function(answer)
    rng = np.random.default_rng(402)
    for clip in (0.2, 0.1, 0.35):
        ratio = np.exp(rng.uniform(-0.7, 0.7, 60))
        advantage = rng.choice([-2.5, -0.3, 0.4, 1.7], 60)
        want = _slope(ratio, advantage, clip) != 0
        with learners_code():
            given = name(ratio.copy(), advantage.copy(), clip)
        got = expect.truths(given, 60, "a truth value a row")
        if (got == want).all():
            continue
        at = int(np.flatnonzero(got != want)[0])
        saw = f"{bool(got[at])} for a ratio of {ratio[at]:.2f} and an advantage of {advantage[at]:g}, with a clip of {clip:g}"
        raise Fail(saw, f"{bool(want[at])}", **_mistaken_pushes(got.astype(bool), ratio, advantage, clip))
    return "180 rows, three clips: just the rows whose objective has a slope."


def _slope(ratio: Any, advantage: Any, clip: float, step: float = 1e-6) -> Any:
    def objective(ratio: Any) -> Any:
        return np.minimum(ratio * advantage, np.clip(ratio, 1 - clip, 1 + clip) * advantage)

    return np.where(np.abs(objective(ratio + step) - objective(ratio - step)) > step * 0.1, 1, 0)


def _mistaken_pushes(got: Any, ratio: Any, advantage: Any, clip: float) -> dict[str, str]:
    inside = np.abs(ratio - 1) < clip
    wrong = {
        "inside of the clip only: a good action that has become *less* likely than 0.8 should still be pushed up": inside,
        "turned round: these are the rows that have stopped": ~(_slope(ratio, advantage, clip) != 0),
        "the sides are swapped: a good action stops above, a bad one below": np.where(
            advantage < 0, ratio < 1 + clip, ratio > 1 - clip
        ),
        "the upper bound alone: a bad action stops, too, when it has become unlikely enough": ratio < 1 + clip,
        "the lower bound alone: a good action stops, too, when it has become likely enough": ratio > 1 - clip,
        "every row pushes: then there is no clip": np.ones(len(ratio), dtype=bool),
    }
    for cause, pattern in wrong.items():
        if (got == pattern).all():
            return {"cause": cause}
    if ((got == (_slope(ratio, advantage, 0.2) != 0)).all()) and clip != 0.2:
        return {"cause": "right for a clip of 0.2 and no other: use the argument"}
    return {
        "question": "of the two terms in the minimum, which one is smaller in this row, and does it change with the ratio?"
    }


@exercises.check(
    "2",
    "Two kinds of end",
    hints=(
        "Two questions, two answers. What is the state after the step worth, for somebody who stands in it? And does the next row tell what came of this one?",
        "A pole that lies on the ground earns nothing more. One that stands when the time is up would have gone on: the critic says what that is worth.",
        "`future = np.where(terminated, 0, next_value)`; and the next row belongs to another episode after *any* end.",
    ),
    minutes=6,
)
def ends(answer: Guarded) -> str:
    """Hand over all four kinds of rows, in three orders, as arrays of two shapes."""
    name = expect.function(answer)
    rng = np.random.default_rng(402)
    for shape in ((12,), (6, 4)):
        size = int(np.prod(shape))
        kinds = rng.permutation(np.arange(size) % 4)
        terminated, truncated = ((kinds & 1) > 0).reshape(shape), ((kinds & 2) > 0).reshape(shape)
        value = rng.uniform(5, 50, shape).round(1)
        with learners_code():
            given = name(value.copy(), terminated.copy(), truncated.copy())
        pair = expect.returned(given, "two arrays: future, goes_on")
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise Fail(f"a {type(pair).__name__}", "two arrays: future, goes_on", "return both, with a comma between")
        future = expect.array(pair[0], shape, "the future")
        goes_on = expect.array(pair[1], shape, "goes_on")
        wanted = np.where(terminated, 0, value)
        if not np.allclose(future, wanted):
            at = np.unravel_index(int(np.argmax(~np.isclose(future, wanted))), shape)
            saw = f"a future of {future[at]:g} for a state worth {value[at]:g}, {_kind(terminated[at], truncated[at])}"
            raise Fail(saw, f"{wanted[at]:g}", **_mistaken_future(future, value, terminated, truncated))
        want = ~(terminated | truncated)
        if not (goes_on == want).all():
            at = np.unravel_index(int(np.argmax(goes_on != want)), shape)
            saw = f"goes_on is {goes_on[at]:g} for a row that is {_kind(terminated[at], truncated[at])}"
            cause = (
                "turned round: true means that the episode goes on"
                if (goes_on == ~want).all()
                else "after a truncation the next row is another episode, too: it must not be credited to this one"
                if truncated[at] and goes_on[at]
                else "the chain ends where an episode ends, and nowhere else"
            )
            raise Fail(saw, f"{int(want[at])}", cause)
    return "The future ends by termination only, the chain by both."


def _kind(terminated: Any, truncated: Any) -> str:
    names = [name for name, yes in (("terminated", terminated), ("truncated", truncated)) if yes]
    return " and ".join(names) or "in the middle of an episode"


def _mistaken_future(future: Any, value: Any, terminated: Any, truncated: Any) -> dict[str, str]:
    if np.allclose(future, np.where(terminated | truncated, 0, value)):
        return {"cause": "the future of a truncated row is 0: the pole stands, only the time is up"}
    if np.allclose(future, np.where(truncated, 0, value)):
        return {"cause": "the two are swapped: it is the terminated task that has no future"}
    if np.allclose(future, value):
        return {"cause": "every row has a future: a pole on the ground earns nothing more"}
    if np.allclose(future, np.where(terminated & ~truncated, 0, value)):
        return {"cause": "a row that is both has no future: the pole lies on the ground, whatever the clock says"}
    return {"question": "what would the rest of this episode have been worth, had nobody stopped the clock?"}


# 402.3: how many updates a sick training may go on for.
LATE = 10
HEALTHY, UPDATES = range(300, 303), 60
SICK = {
    "no clip": {"clip": np.inf},
    "a rate a thousand times too small": {"rate": 2e-6},
    "a rate a hundred times too large": {"rate": 0.2},
}


@exercises.check(
    "3",
    "An alarm for trainings",
    hints=(
        "Look at the `kl` column of the healthy training: how large does it become, and how small? Then at that of the others, in the first ten rows.",
        "One gauge tells all of them apart, if you bound it on both sides. The healthy one wavers by a factor of ten, the others are off by a hundred.",
        "For instance: after five updates, stop if the median of the last five `kl` is above 0.03 or below 0.00001. Mind the end: as the rate falls to 0, so does `kl`.",
    ),
    minutes=8,
    seconds=60.0,
)
def stop(answer: Guarded) -> str:
    """Ask after each update of nine trainings, as a scheduler would."""
    name = expect.function(answer)
    for seed in HEALTHY:
        at = _stopped(name, _gauges(seed), UPDATES)
        if at is not None:
            gauges = _gauges(seed)
            last = gauges.iloc[at - 1]
            alarms = sum(_answer(name, gauges.iloc[:done]) for done in range(1, UPDATES + 1))
            cause = (
                f"it is no single jump: the alarm is on after {alarms} of {UPDATES} updates, so a bound lies where healthy trainings live (kl of this one: {gauges.kl.min():.1e} to {gauges.kl.max():.1e})"
                if alarms > UPDATES / 4
                else "near the end the rate falls to 0, and the moves with it: that is no illness"
                if at > 45
                else "one gauge jumps now and then: ask several updates before you stop"
                if at > 3
                else "the first updates are unlike the rest: wait for some before you judge"
            )
            raise Fail(
                f"a healthy training stopped after update {at} (kl {last.kl:.2g}, entropy {last.entropy:.2f}, explained {last.explained:.2f})",
                "it runs to its end",
                cause,
            )
    for kind in SICK:
        for seed in HEALTHY[:2]:
            at = _stopped(name, _gauges(seed, kind), LATE)
            if at is None:
                gauges = _gauges(seed, kind).iloc[:LATE]
                raise Fail(
                    f"a training with {kind} that still runs after {LATE} updates (its kl: {gauges.kl.min():.1e} to {gauges.kl.max():.1e})",
                    "stopped by then",
                    question="which gauge of this one lies where it never lies in a healthy training, and on which side?",
                )
    return f"Three healthy trainings ran to their end, six sick ones were stopped within {LATE} updates."


def _stopped(name: Guarded, gauges: "pd.DataFrame", updates: int) -> int | None:
    for done in range(1, min(updates, len(gauges)) + 1):
        if _answer(name, gauges.iloc[:done]):
            return done
    return None


def _answer(name: Guarded, gauges: "pd.DataFrame") -> bool:
    given = expect.returned(name(gauges.copy()), "True or False")
    if not isinstance(given, bool | np.bool_):
        raise Fail(f"a {type(given).__name__}", "True or False", "one answer for the training, not one a row: a median, `.any()` or an index is missing")  # fmt: skip
    return bool(given)


def _gauges(seed: int, kind: str | None = None) -> "pd.DataFrame":
    return _run(seed, kind).gauges


@cache
def _run(seed: int, kind: str | None = None) -> "Run":
    from dataclasses import replace

    from labsupport.rl.contest import run_ppo
    from labsupport.rl.ppo import Settings

    settings = replace(Settings(), **SICK[kind]) if kind else Settings()  # type: ignore[arg-type]
    with np.errstate(all="ignore"):
        return run_ppo(seed, settings, updates=LATE if kind else UPDATES)


# 402.4: how far a start may be from the middle; the policies of the healthy trainings stand for "PPO".
WIDEST = (2.3, 1.5, 0.2, 1.5)
UNITS = ("position (m)", "speed (m/s)", "angle (rad)", "angular speed (rad/s)")


@exercises.refute(
    "4",
    "PPO learnt more than the simple rule knows: whatever start the rule holds for 500 steps, a policy trained by PPO holds, too",
    case="a start: position, speed, angle and angular speed, at most 2.3 m, 1.5 m/s, 0.2 rad and 1.5 rad/s away from 0",
    hints=(
        "All episodes of the training began within 0.05 of 0. Which states has the policy never seen, then?",
        "Draw starts at random within the bounds, and ask `holds(simple_rule, starts)` and `holds(policy, starts)`. All three policies must let it fall.",
        "A moving cart is what it knows least: try a speed of 1 m/s or more, with the pole leaning the same way or the other.",
    ),
    minutes=8,
    seconds=60.0,
)
def more_than_the_rule(case: Any) -> Measured:
    """The sentence fails where the rule holds and three policies out of three let the pole fall."""
    from labsupport.rl.contest import holds, simple_rule

    start = _start(case)
    policies = [_run(seed).policy for seed in HEALTHY]
    if not holds(simple_rule, start)[0]:
        raise OutsideRules("the simple rule lets this one fall, too: the sentence speaks of starts that the rule holds")
    held = sum(bool(holds(policy, start)[0]) for policy in policies)
    numbers = f"the simple rule holds it; of three policies {held} do (the sentence fails where none does)"
    return Measured(held > 0, numbers)


def _start(case: Any) -> Any:
    try:
        start = np.asarray(case, dtype=float).ravel()
    except (TypeError, ValueError):
        raise OutsideRules(f"a start is four numbers, this is {case!r:.40}") from None
    if start.shape != (4,) or not np.isfinite(start).all():
        raise OutsideRules(f"a start is four numbers, this is {case!r:.40}")
    for value, most, unit in zip(start, WIDEST, UNITS, strict=True):
        if abs(value) > most:
            raise OutsideRules(f"{unit} is at most {most:g} away from 0, this is {value:g}")
    return start


exercises.quiz(
    "a",
    "A team trains a policy that routes requests. Its reward is minus the latency in milliseconds, about -200 for all. They use REINFORCE without a baseline, and learning is slow and erratic. What is going on?",
    ("With rewards below 0 every action is made less likely, so nothing can be learnt.", False, "On average it is right all the same: what is pushed down less gains. The mean of the gradient is the same with any baseline."),
    ("The gradient is right on average, and its noise covers the differences.", True, "200 times some noise hides a few milliseconds. Subtract what is usual, and what is left is the differences. The mean stays, the spread falls."),
    ("Latencies differ too little: no method can learn from that.", False, "The differences are all there. They are only hidden behind a number that is the same for all."),
    ("The learning rate is too small for such large rewards.", False, "Adam divides by the size of gradients. What hurts is their spread against their mean, and no rate changes that."),
)  # fmt: skip
exercises.quiz(
    "b",
    "Your agent scales a service that never ends. For training, you cut the days into episodes of four hours. In the code of a colleague the cut arrives as `terminated`. What will the policy learn?",
    ("Nothing else: four hours are long enough for any reward of such a service to arrive.", False, "Most arrive. But in each last half hour of a cut, what comes later counts as nothing, and these rows are learnt from, too."),
    ("That some hours before midnight are the worst ones.", False, "It does not see when the cut comes, unless the clock is in its observations. What it sees are states that are worth less than they are."),
    ("To neglect what pays off later, such as pods that take time to start.", True, "Near a cut the future is worth 0. And since the observation does not tell that a cut is near, the critic's values are too low everywhere, the more so for what pays late."),
    ("It will crash, since a value of 0 can't be reached.", False, "It trains without any error. That is what makes it a fault that stays."),
)  # fmt: skip
exercises.quiz(
    "c",
    "A training runs on. `kl` is 0.004 as ever, entropy falls slowly, `explained` is 0.9, and yet the return has fallen from 400 to 150 over the last ten updates. Where do you look first?",
    ("At the clip: the policy must have moved too far in one of the updates.", False, "`kl` says that it moves as it always did. A jump would be seen there first."),
    ("At the learning rate: it is too large.", False, "Then `kl` would have grown. These gauges are of the update, and the update looks healthy."),
    ("At the critic: it has forgotten what states are worth.", False, "0.9 of the variance foreseen is a good critic."),
    ("Outside of the learner: at the environment and the reward.", True, "The update does well what it is told to. All gauges of the update are sound. So has the world changed, or what is paid for? Gauges of the learner don't see that: keep the return beside them."),
)  # fmt: skip
exercises.quiz(
    "d",
    "A vendor shows that its PPO solves your task with 90,000 steps, and that REINFORCE has not done so after 400,000. What do you ask for first?",
    ("Five seeds for both, since one run proves little.", False, "That, too. But five seeds of a badly tuned rival would only show very reliably that it was badly tuned."),
    ("The reward that was reached in the end, since steps don't matter.", False, "Steps are what you pay for with a real system. They matter."),
    ("How many learning rates were tried for each of the two.", True, "In this lesson, the rate alone decided whether REINFORCE needed some 70,000 steps or had not arrived after 120,000. Equal tries first, then seeds."),
    ("Nothing: a factor of four can't be an accident.", False, "You saw a larger factor between two rates of the same method."),
)  # fmt: skip
