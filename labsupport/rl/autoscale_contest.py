"""Who scales best: days are played by each controller, a policy is trained and its checkpoint chosen, bills are compared day by day."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from labsupport.arrays import FloatArray
from labsupport.ml.resampling import bootstrap, interval
from labsupport.rl import ppo
from labsupport.rl.autoscale import INCIDENT, PRICES, Autoscaling, Outcome, Reward, cents_saved, clockless
from labsupport.rl.days import Habits
from labsupport.rl.exported import ExportedPolicy
from labsupport.rl.fleet import SERVICE_S, START_STEPS, Fleet
from labsupport.rl.hpa import Controller, Decide
from labsupport.rl.observation import HIGH, LOW, STEP_S
from labsupport.rl.threads import one_thread

if TYPE_CHECKING:
    import pandas as pd

FILE = Path(__file__).with_name("autoscale_contest.json")
SETTINGS = ppo.Settings(rate=3e-3, batch=1024, discount=0.97, entropy=0.005, budget=614_400)
COPIES = 64
CROWDED = Habits(crowds=4.0)
"""The habits of days to train on: crowds are rare, and four times as many teach a policy what to do in one."""


@dataclass(frozen=True)
class Played:
    """Days that a controller played, all (days, steps): `requests_per_s`, replicas that were `ready` and that were paid for, `late` requests."""

    requests_per_s: FloatArray
    ready: FloatArray
    replicas: FloatArray
    late: FloatArray

    @cached_property
    def euros(self) -> FloatArray:
        """The bill of each day (days,)."""
        total: FloatArray = PRICES.bill(self.replicas, self.late).sum(axis=1)
        return total

    @property
    def incidents(self) -> float:
        """How many incidents began on a day, on average."""
        during = self.late > INCIDENT * self.requests_per_s * STEP_S
        return float((during[:, 1:] & ~during[:, :-1]).sum() / len(during))

    @property
    def late_share(self) -> float:
        """The share of all requests that were late or gave up."""
        return float(self.late.sum() / (self.requests_per_s.sum() * STEP_S))


@one_thread
def play(controller: Controller, days: FloatArray, start: int = 0, start_steps: int = START_STEPS) -> Played:
    """Let a controller scale each of the days (days, steps), from the same replicas; they begin at midnight, or `start` steps later.

    `start_steps`: how long a new replica takes to serve.
    """
    replicas = np.clip(np.ceil(days[:, 0] * SERVICE_S / 0.7), LOW, HIGH)
    decide, fleet = controller.start(), Fleet.of(replicas, len(days), start_steps)
    seen = fleet.shows(days[:, 0], (start + 1) * STEP_S)
    ready, replicas, late = (np.zeros(days.shape) for _ in range(3))
    ready[:, 0] = replicas[:, 0] = fleet.total
    for step in range(1, days.shape[1]):
        fleet = fleet.ordered(decide(seen))
        ready[:, step], replicas[:, step] = fleet.ready, fleet.total
        fleet, late[:, step] = fleet.served(days[:, step])
        seen = fleet.shows(days[:, step], (start + step + 1) * STEP_S)
    return Played(days, ready, replicas, late)


@dataclass(frozen=True)
class Stopped:
    """A controller that is told at all times that it is half past twelve."""

    controller: Controller

    def start(self) -> Decide:
        """Begin a day."""
        decide = self.controller.start()
        return lambda seen: decide(clockless(seen))


def cheaper(one: ArrayLike, other: ArrayLike, seed: int = 0) -> tuple[float, float, float]:
    """Return by how many euros a day `one` is cheaper than `other` (days,): mean, and the 95 % of a paired bootstrap over days."""
    difference = np.asarray(other, dtype=float) - np.asarray(one, dtype=float)
    low, high = interval(bootstrap(np.mean, difference, seed=seed))
    return float(difference.mean()), low, high


def for_learning(reward: Reward = cents_saved, floor: float = -30.0) -> Reward:
    """Return a reward of a size of about 1 for the critic: a tenth of it, and nothing below a tenth of `floor`."""
    # Half a minute of a crowd may cost a hundred times an ordinary one, and would be all that a batch says.
    return lambda outcome: 0.1 * np.maximum(reward(outcome), floor)


def incidents_resolved(outcome: Outcome) -> FloatArray:
    """Return the cents saved, and a euro for each incident that has just ended. Do not use it: see lesson 403."""
    return cents_saved(outcome) + 100.0 * (outcome.before & ~outcome.after)


@dataclass(frozen=True)
class Training:
    """A training: the `policy` of its best look, and `looks`, a row each: steps, reward (of the last 100 episodes), euros."""

    policy: ExportedPolicy
    looks: "pd.DataFrame"


@one_thread
def train(
    days: FloatArray,
    tuning: FloatArray,
    seed: int,
    settings: ppo.Settings = SETTINGS,
    reward: Reward | None = None,
    looks: int = 12,
    last: bool = False,
    clock: bool = True,
) -> Training:
    """Train on days, look at the policy `looks` times on tuning days, and keep the one with the lowest bill there.

    `last`: keep the last one instead, whatever its bill. Without a `clock` it learns and is looked at behind `Stopped`, and is
    to be played so.
    """
    import pandas as pd

    environment = Autoscaling(days, COPIES, seed, reward=reward or for_learning(), clock=clock)
    updates = settings.budget // (settings.steps * COPIES)
    at = {round(updates * (look + 1) / looks) for look in range(looks)}
    rows, kept, lowest = [], None, np.inf
    for number, progress in enumerate(ppo.train(environment, seed, settings), start=1):
        if number not in at:
            continue
        policy = exported(progress.learner, {"seed": seed, "steps": progress.steps})
        euros = float(play(policy if clock else Stopped(policy), tuning).euros.mean())
        rows.append(
            {"steps": progress.steps, "reward": float(np.mean(environment.finished[-100:] or [np.nan])), "euros": euros}
        )
        if last or euros < lowest:
            kept, lowest = policy, euros
    assert kept is not None
    return Training(kept, pd.DataFrame(rows))


def exported(learner: ppo.Learner, about: dict[str, Any]) -> ExportedPolicy:
    """Return what a learner's policy does when it draws nothing, without the learner."""
    policy, _ = learner.parts(learner.weights.copy())
    return ExportedPolicy(tuple((matrix.copy(), bias.copy()) for matrix, bias in policy), about)


def best(tries: Iterable[Controller], tuning: FloatArray) -> list[tuple[float, Controller]]:
    """Return each controller with its mean bill on the tuning days, the cheapest first."""
    bills = [(float(play(one, tuning).euros.mean()), one) for one in tries]
    return sorted(bills, key=lambda pair: pair[0])


def results() -> dict[str, Any]:
    """Return what `benchmarks/autoscale.py` measured, with its date."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found
