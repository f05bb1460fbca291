"""Lesson 403, an autoscaler that learns: checkers, hints, guesses and quiz."""

from dataclasses import dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from labsupport.exercises import Measured, expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail
from labsupport.exercises.refute import OutsideRules

if TYPE_CHECKING:
    from labsupport.rl.observation import Observation

exercises = Exercises("403")

exercises.guess("g1", "How far tuning brings the HPA's bill below that of the shipped knobs", unit="%")
exercises.guess("g2", "PPO, trained here, is cheaper than the tuned HPA on the held-out days")
exercises.guess(
    "g3", "Incidents a day of a policy that gets a euro for each incident that has just ended", unit="incidents"
)


def _states(count: int = 40) -> dict[str, Any]:
    rng = np.random.default_rng(403)
    return {
        "requests_per_s": rng.uniform(5, 200, count),
        "ready": rng.integers(2, 21, count).astype(float),
        "starting": rng.integers(0, 9, count).astype(float),
        "waiting": np.where(rng.random(count) < 0.7, 0, rng.uniform(0, 1000, count)),
        "second": 30.0 * rng.integers(0, 2880, count),
        "day": rng.integers(0, 100, count).astype(float),
        "next_requests_per_s": rng.uniform(5, 200, count),
    }


# What an agent has to tell apart, and why: the name, its two values, and what follows from it.
APART = (
    ("requests_per_s", 40.0, 80.0, "the load decides how many are needed"),
    ("ready", 4.0, 8.0, "who does not see how many are there can't say how many are missing"),
    ("starting", 0.0, 3.0, "for two minutes it would order the same replicas again and again"),
    ("waiting", 0.0, 400.0, "a queue has to be worked off on top of what comes"),
    *(
        ("second", 60.0 * minute, 35_880.0, f"{minute // 60}:{minute % 60:02} and 9:58 look alike, and the rush at 10:00 comes unforeseen")
        for minute in (590, 602, *range(542, 590, 2))
    ),
)  # fmt: skip


@exercises.check(
    "1",
    "What the agent may see",
    hints=(
        "Go through the seven names. Which of them will a program in the cluster know? Which of them would a good operator want to know?",
        "The next step's requests are known to the simulator only, and the number of a day says nothing about any other day. The rest is fair.",
        "Divide what is large: requests by 50, for instance. The second needs the *minute of the hour*: `np.sin(2 * np.pi * second / 3600)` and the cosine, or `second % 3600 / 3600`. Then `np.stack([...], axis=1)`.",
    ),
    minutes=8,
)
def view(answer: Guarded) -> str:
    """Look at shapes and sizes, at what must not change the view, and at what must."""
    see = expect.function(answer)
    state = _states()
    base = _seen(see, state, 40)
    if np.abs(base).max() > 10:
        column = int(np.abs(base).max(axis=0).argmax())
        raise Fail(f"values up to {np.abs(base).max():,.0f}, in column {column}", "nothing beyond -10 to 10", "a column is not brought to a size of about 1: divide it by what is usual")  # fmt: skip
    for name, cause in (
        (
            "next_requests_per_s",
            "it sees what comes next, which only the simulator knows: in the cluster nobody will tell it",
        ),
        ("day", "it sees which day it is: it can learn the training days by heart, and unseen days have other numbers"),
    ):
        changed = _seen(see, state | {name: state[name][::-1].copy()}, 40)
        if not np.allclose(changed, base):
            raise Fail(f"the view changes with `{name}`", "a view of what will be known in production", cause)
    few = _seen(see, {name: values[:3] for name, values in state.items()}, 3)
    if few.shape[1] != base.shape[1] or not np.allclose(few, base[:3]):
        raise Fail("another view of the same services when fewer are shown", "the same numbers", "a mean or a maximum over all services is in it: each one is looked at by itself")  # fmt: skip
    usual = {
        name: np.full(2, value) for name, value in zip(state, (50.0, 6.0, 1.0, 0.0, 34_200.0, 3.0, 50.0), strict=True)
    }
    for name, one, other, why in APART:
        two = _seen(see, usual | {name: np.array([one, other])}, 2)
        apart = float(np.abs(two[0] - two[1]).max())
        if apart < 0.1:
            seen = (
                "does not change at all"
                if apart < 1e-9
                else f"changes by {apart:.3f} only, which a network hardly sees"
            )
            raise Fail(f"the view {seen} when `{name}` goes from {one:,.0f} to {other:,.0f}", "a change of 0.1 or more", why)  # fmt: skip
    return f"{base.shape[1]} columns: all that matters, of a size of about 1, and nothing that production won't know."


def _seen(see: Guarded, state: dict[str, Any], count: int) -> Any:
    given = expect.returned(see(state), "floats of shape (n, k)")
    try:
        values = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        raise Fail(f"a {type(given).__name__} that is no table of numbers", "floats of shape (n, k)", "columns of unequal length, or a text among them") from None  # fmt: skip
    if values.ndim != 2 or len(values) != count:
        turned = values.ndim == 2 and values.shape[1] == count
        cause = "services are the rows: `np.stack(..., axis=1)`, or `.T`" if turned else "one row a service, one column for each thing that is seen"  # fmt: skip
        raise Fail(f"shape {values.shape} for {count} services", f"shape ({count}, k)", cause)
    if not np.isfinite(values).all():
        raise Fail("`nan` or infinity", "finite numbers", "divided by something that may be 0, or the logarithm of 0")
    return values


@exercises.check(
    "2",
    "A reward that nobody can farm",
    hints=(
        "The term pays for an event, the end, and that has to be preceded by another event, the beginning. What does a whole way from calm to calm earn?",
        "Two ways out: take the bonus away, since late requests cost anyway; or charge for the beginning what you pay for the end.",
        "`-(10 / 120) * replicas - 0.02 * late` are the cents of the price list. A begun incident is `~before & after`.",
    ),
    minutes=8,
)
def reward(answer: Guarded) -> str:
    """Compare ways from calm to calm, and ask what a replica, a late request and a longer incident are worth."""
    name = expect.function(answer)

    def paid(replicas: Any, late: Any, before: Any, after: Any) -> Any:
        arrays = [np.asarray(replicas, dtype=float), np.asarray(late, dtype=float), np.asarray(before, dtype=bool), np.asarray(after, dtype=bool)]  # fmt: skip
        return expect.array(name(*arrays), arrays[0].shape, "the reward, in cents,")

    _ask_prices(paid, False)
    rng = np.random.default_rng(403)
    for _ in range(60):
        # A way from calm to calm: some steps in an incident, each with at least its 5 % late.
        length = int(rng.integers(3, 12))
        inside = np.zeros(length + 1, dtype=bool)
        inside[1:-1] = rng.random(length - 1) < 0.6
        requests = 30 * rng.choice([3.0, 40.0, 90.0])
        late = np.where(inside[1:], np.ceil(0.051 * requests), 0)
        replicas = np.full(length, 6)
        harmed = float(paid(replicas, late, inside[:-1], inside[1:]).sum())
        unharmed = float(paid(replicas, late * 0, inside[:-1] & False, inside[1:] & False).sum())
        if harmed > unharmed + 1e-9:
            began = int((inside[1:] & ~inside[:-1]).sum())
            raise Fail(
                f"{harmed - unharmed:+.1f} cents for {began} incident{'s' if began > 1 else ''} of {int(late.sum())} late requests between two calm moments",
                "no more than for staying calm, whose difference is 0",
                **_farmed(paid, harmed - unharmed),
            )
    begins = paid([6, 6], [0, 0], [False, False], [False, True])
    if begins[1] > begins[0] + 1e-9:
        raise Fail(f"the step in which an incident begins pays {begins[1] - begins[0]:+.1f} cents beside a calm one", "no more than a calm one", "the sign: beginning an incident pays at once, and what its end costs comes later, counts for less, and is not seen where an episode is cut off before it")  # fmt: skip
    ends = paid([6, 6], [0, 0], [True, True], [True, False])
    if ends[1] < ends[0] - 1e-9:
        raise Fail(f"the step in which an incident ends pays {ends[1] - ends[0]:+.1f} cents beside one more step in it", "no less than a step in it", "ending an incident must not cost more than staying in it: who does not end it saves the price")  # fmt: skip
    for length in (1, 4):
        shorter, longer = (_incident(paid, length + more) for more in (0, 1))
        if not shorter > longer + 1e-9:
            raise Fail(f"an incident of {length} steps is worth {shorter:.2f} cents, one of {length + 1} steps {longer:.2f}", "the shorter one is worth more", "in an incident, late requests have to go on costing")  # fmt: skip
    _ask_prices(paid, True)
    return "Replicas and late requests cost what they cost, a shorter incident is worth more, and 60 ways through incidents earned nothing."


def _ask_prices(paid: Any, inside: bool) -> None:
    """Ask what a replica and late requests cost, all in an incident or all outside of one."""
    cents = paid([6, 7, 6, 6, 6], [0, 0, 100, 400, 500], [inside] * 5, [inside] * 5)
    where = "in an incident" if inside else "in no incident"
    for what, saw, want, limit in (
        ("one replica more", cents[1] - cents[0], -1 / 12, False),
        ("a hundred late requests more", cents[2] - cents[0], -2.0, False),
        ("a hundred late requests more than 400", cents[4] - cents[3], -2.0, True),
    ):
        if abs(saw - want) > 2e-3:
            cause = _price(saw, want)
            if limit:
                cause = "the five-hundredth late request costs as much as the first: is there a limit to what is paid?"
            elif inside:
                cause = "the price list knows no incidents: what costs outside of one costs the same in it"
            raise Fail(f"{what}, {where}, changes the reward by {saw:+.3f} cents", f"{want:+.3f}", cause)


def _price(saw: float, want: float) -> str:
    if abs(saw + want) < 2e-3:
        return "the sign: what costs makes the reward smaller"
    if abs(saw) < 1e-12:
        return "it is not in the reward at all"
    if abs(saw * 100 - want) < 2e-3:
        return "these are euros: the reward is in cents"
    return "which line of the price list is this, and for how long does a step last?"


def _incident(paid: Any, steps: int) -> float:
    inside = np.array([False] + [True] * steps + [False] * (8 - steps))
    return float(paid(np.full(8, 6), np.where(inside[1:], 200, 0), inside[:-1], inside[1:]).sum())


def _farmed(paid: Any, gain: float) -> dict[str, str]:
    one = (np.array([6]), np.array([0]))
    nothing, begun, on, ended = (float(paid(*one, [b], [a])[0]) for b, a in ((0, 0), (0, 1), (1, 1), (1, 0)))
    bonus, charge = ended - nothing, nothing - begun
    if bonus > 0 and abs(charge) < 1e-9 and abs(on - nothing) < 1e-9:
        if abs(bonus - 100) < 1e-6:
            return {"cause": "the bonus is still there, and nobody pays for the beginning"}
        return {
            "cause": f"a bonus of {bonus:.0f} cents is a smaller one, and at night an incident of a few requests costs less than that"
        }
    if bonus > charge > 0:
        return {
            "cause": f"beginning costs {charge:.0f} cents and ending pays {bonus:.0f}: the difference can be earned again and again"
        }
    if charge < 0:
        return {"cause": "the sign: beginning an incident pays"}
    return {"question": "which step on this way pays more than a calm one, and can it be repeated?"}


DEARER, SAVED, GUARDED = 1.25, 0.5, 20
TEN, SIX = 1200, 2160  # the steps of a day at 10:00 and at 18:00: checks play the busy hours between them


@exercises.check(
    "3",
    "A guard in front of the policy",
    hints=(
        "The guard may only raise the wish: `np.maximum(wish, ...)`. What must be there so that a rush which comes without warning is survived for two minutes?",
        "A rush multiplies the load by 2.2. Replicas that are loaded to a share x now will be loaded to 2.2 x then. That should stay just below 1.",
        "`np.maximum(wish, np.ceil(seen.requests_per_s * 0.075 / 0.45))`: a floor for a load of 0.45. At 0.5 a rush brings the load to 1.1, and the queue grows for two minutes.",
    ),
    minutes=8,
    seconds=90.0,
)
def guard(answer: Guarded) -> str:
    """Let the guarded policy play twenty days as they were and twenty moved ones, and compare bills with the policy alone."""
    from labsupport.rl.autoscale_contest import play
    from labsupport.rl.exported import ExportedPolicy

    name = expect.function(answer)
    days, policy = _guard_days(), ExportedPolicy.load()

    @dataclass(frozen=True)
    class Behind:
        """The policy, and the learner's guard before it."""

        def start(self) -> Any:
            decide = policy.start()

            def guarded(seen: "Observation") -> Any:
                given = expect.array(name(decide(seen), seen), (len(days),), "the replicas")
                if not np.isfinite(given).all():
                    raise Fail("`nan` or infinity", "a number of replicas", "divided by 0?")
                return given

            return guarded

    mine, alone = play(Behind(), days).euros, _alone()
    usual, moved = (float(mine[part].mean() / alone[part].mean()) for part in (slice(GUARDED), slice(GUARDED, None)))
    if usual > DEARER:
        lowered = (np.asarray(name(np.full(8, 16), _quiet()), dtype=float) < 16).any()
        cause = (
            "there are fewer replicas than the policy wants: a guard takes the larger one of two wishes"
            if lowered
            else "it keeps a reserve that is larger than a rush needs, or orders where the policy would not"
        )
        raise Fail(f"on days as they were, the bill is {usual:.2f} times the policy's", f"at most {DEARER:g} times", cause)  # fmt: skip
    if moved > SAVED:
        raised = np.asarray(name(np.full(8, 2), _quiet()), dtype=float)
        cause = (
            "the guard changes next to nothing: the policy's wish is above it nearly always"
            if moved > 0.97
            else "a part of a replica is cut off: round up"
            if (raised % 1 > 0).any()
            else "when the rush begins, the load of what is ready passes 1, and new replicas take two minutes: the reserve is too small, or it is ordered too late"
        )
        raise Fail(f"on moved days, the bill is {moved:.2f} times the policy's", f"at most {SAVED:g} times", cause)
    return f"On {GUARDED} days as they were it costs {usual:.2f} times the policy's bill, on {GUARDED} moved ones {moved:.2f} times."


def _quiet() -> "Observation":
    from labsupport.rl.observation import Observation

    return Observation(
        20 + np.arange(8) / 7, np.full(8, 8), np.zeros(8, dtype=int), np.full(8, 0.19), np.zeros(8), np.full(8, 9_000.0)
    )


@cache
def _guard_days() -> Any:
    from labsupport.rl.days import CHECKING, Habits, draw_days

    return np.concatenate([draw_days(GUARDED, CHECKING), draw_days(GUARDED, CHECKING, 1, Habits(job_minute=30.0))])


@cache
def _alone() -> Any:
    from labsupport.rl.autoscale_contest import play
    from labsupport.rl.exported import ExportedPolicy

    return play(ExportedPolicy.load(), _guard_days()).euros


# 403.4: which habits may be changed, and how far.
BOUNDS = {
    "job_minutes": (2.0, 30.0),
    "job_factor": (1.0, 3.0),
    "crowds": (0.0, 10.0),
    "crowd_factor": (1.3, 3.0),
    "spread": (0.0, 0.4),
}


@exercises.refute(
    "4",
    "As long as the jobs start at the full hour, the exported policy is cheaper than the tuned HPA",
    case="Habits(...) with job_minutes from 2 to 30, job_factor 1 to 3, crowds 0 to 10, crowd_factor 1.3 to 3, spread 0 to 0.4",
    hints=(
        "The HPA keeps a large reserve at all times, the policy one for what it foresees. Which habit makes the unforeseen frequent?",
        "Jobs that are longer, larger or smaller still come on the hour. Crowds come when they like.",
        "Try `Habits(crowds=8)`, and larger ones if that is not enough.",
    ),
    minutes=6,
    seconds=90.0,
)
def on_the_hour(case: Any) -> Measured:
    """The sentence fails where the tuned HPA is cheaper on twenty days, by an interval that leaves out 0."""
    from labsupport.rl.autoscale_contest import cheaper, play, results
    from labsupport.rl.days import CHECKING, Habits, draw_days
    from labsupport.rl.exported import ExportedPolicy
    from labsupport.rl.hpa import HPA

    habits = Habits(**case) if isinstance(case, dict) and set(case) <= {each.name for each in fields(Habits)} else case
    if not isinstance(habits, Habits):
        raise OutsideRules(f"a case is Habits(...), this is {case!r:.40}")
    if habits.job_minute != 0:
        raise OutsideRules("the sentence speaks of jobs that start at the full hour: leave job_minute at 0")
    for name, (low, high) in BOUNDS.items():
        if not low <= getattr(habits, name) <= high:
            raise OutsideRules(f"{name} lies between {low:g} and {high:g}, this is {getattr(habits, name):g}")
    days = draw_days(20, CHECKING, 4, habits)[:, TEN:SIX]
    policy = play(ExportedPolicy.load(), days, TEN).euros
    rule = play(HPA(**results()["chosen"]["HPA"]), days, TEN).euros
    gain, low, high = cheaper(policy, rule)
    numbers = f"the policy costs {policy.mean():.1f}, the HPA {rule.mean():.1f} euros from 10:00 to 18:00; the policy saves {gain:.1f} ({low:.1f} to {high:.1f})"
    question = "the difference could be chance here: what makes it larger?" if gain < 0 else ""
    return Measured(high >= 0, numbers, question)


exercises.quiz(
    "a",
    "Replicas become twice as dear overnight, late requests cost what they did. You tune the HPA anew, on the same twenty days. Where will the target land?",
    ("At about 55 %: what is dearer is bought less, so it runs with fewer replicas.", False, "At 55 % a rush brings the load to 121 % for the two minutes until help serves, at every full hour. No price of replicas in sight outweighs that many late requests."),
    ("At about 40 % again: the bill has a cliff there, not a slope.", True, "2.2 times 45 % is 99 %. Below that a replica more buys little, above it a queue grows at each full hour. The price of replicas moves the foot of the cliff by a point or two."),
    ("At 70 %: with dear replicas the shipped knobs are right, they were made for thrift.", False, "At 70 % each full hour brings 154 % of what the replicas can do. Late requests were most of the shipped HPA's bill, and their price has not changed."),
    ("Nobody can say before the search is run again on days with the new prices.", False, "The traffic does not know the prices: the same days, and the same load in a rush. What a rush does at each target can be said in advance."),
)  # fmt: skip
exercises.quiz(
    "b",
    "For your service nobody knows any timetable. Load doubles at odd times within a minute, pods start in two. A colleague wants to train a policy as here, and hopes for the same fifth of the bill. What do you say of that fifth?",
    ("It will come again: PPO adapts to whatever traffic it is trained on.", False, "What it could adapt to here was the clock. Where nothing foretells a rush, there is nothing to learn but the size of a reserve."),
    ("It will be more than here, since the HPA is worse at sudden rushes.", False, "So is the policy, if nothing it sees foretells them: its replicas take two minutes as well."),
    ("It will be the whole bill: PPO can't be trained without a clock.", False, "Nothing keeps it from training: its rewards are there. What it lacks is something to foresee rushes by."),
    ("It has no source here: what is left to choose is a reserve.", True, "Five policies that were trained without a clock were on average no cheaper than the tuned HPA. Without a sign before the rush only the size of a reserve can be chosen, and the HPA's target is a knob for just that. (The policy whose clock was stopped afterwards says less: it only shows that a policy breaks without what it was trained on.)"),
)  # fmt: skip
exercises.quiz(
    "c",
    "Your guard orders at least the requests per second times 0.075 s, divided by 0.45. It has passed its tests. Which surprise does it *not* soften?",
    ("The clients move their jobs to a quarter past, and nobody tells you.", False, "The floor does not know any timetable: at each minute of the hour it holds a reserve for 2.2 times the load."),
    ("The policy's file is damaged: it orders one replica, whatever it sees.", False, "The larger one of two wishes counts, so the floor takes over, and the service runs as under a plain rule."),
    ("A release makes each request take 0.15 s of work.", True, "The floor still reckons with 0.075: what it takes for a load of 45 % is one of 90 %, and a rush brings 198 %. A guard is built on assumptions, too: measure the work of a request, as `busy` does."),
    ("A crowd doubles the traffic for twenty minutes, at a time at which no crowd has ever come.", False, "Twice 45 % is 90 %: it is served, and meanwhile the floor orders for the new load."),
)  # fmt: skip
exercises.quiz(
    "d",
    "Four teams each add one term to the reward of their scaler; the costs of replicas and of late requests stay in. Which term can *not* be earned by making something worse first?",
    ("+5 cents for each half minute without a late request.", True, "It pays for a state, however that was reached; each harm interrupts the pay. What it does change is the price of lateness, which the price list should say openly."),
    ("+5 cents for each replica that is given back, so that it learns to be thrifty.", False, "A replica costs a twelfth of a cent for half a minute. Order four, give four back: twenty cents for nothing."),
    ("+1 euro if the p95 is back below its limit within two minutes of an alert.", False, "Cause a short alert, cure it at once: the quick cure is paid, and at night it costs a few late requests."),
    ("+5 cents for each half minute in which fewer requests wait than in the one before.", False, "A queue that is let grow and then worked off pays on its whole way down. The way up costs nothing extra."),
)  # fmt: skip
