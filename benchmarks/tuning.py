"""Forty Experiments of lesson 607, rehearsed without a cluster: what the better search and the median rule change, in pairs.

Run: python benchmarks/tuning.py [rounds]
"""

import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from scipy import stats

from labsupport import paths
from labsupport.dl.contest import paired
from labsupport.dl.space import Settings
from labsupport.dl.trials import Model, Split, accuracy
from labsupport.workflows.experiments_plan import Plan
from labsupport.workflows.experiments_rehearsal import rehearse
from labsupport.workflows.experiments_trial import learn

RULE = {"start_step": 4, "min_trials_required": 3}
COUNTS = (12, 36)
SEARCHES = {
    f"{algorithm}{', median rule' if stop else ''}": (algorithm, stop)
    for algorithm in ("random", "multivariate-tpe")
    for stop in (False, True)
}


class Trainer:
    """Trains each settings of one round once, and keeps what it said, and its accuracy on pictures that no search sees."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.kept: dict[tuple[Any, ...], tuple[list[float], float]] = {}
        self.test = Split.draw(seed).test

    def __call__(self, settings: Settings) -> Iterator[float]:
        return iter(self.of(settings)[0])

    def of(self, settings: Settings) -> tuple[list[float], float]:
        """Return (what the trial says, its accuracy on the test pictures after all epochs)."""
        key = tuple(settings.values())
        if key not in self.kept:
            model = Model(settings["learning_rate"], settings["batch_size"], (64,))
            *said, (network, last) = learn(model, self.seed)
            self.kept[key] = [value for _, value in said] + [last], accuracy(network, self.test)
        return self.kept[key]


def plan_of(experiment: dict[str, Any], algorithm: str, stop: bool, trials: int, seed: int) -> Plan:
    """Return the lab's Experiment with another search, another number of trials and a seed."""
    settings = {"random_state": seed} | ({"n_startup_trials": 4} if algorithm != "random" else {})
    spec = experiment["spec"] | {"maxTrialCount": trials, "algorithm": _algorithm(algorithm, settings)}
    return Plan.of({"spec": spec | ({"earlyStopping": _algorithm("medianstop", RULE)} if stop else {})})


def _algorithm(name: str, settings: dict[str, int]) -> dict[str, Any]:
    return {"algorithmName": name, "algorithmSettings": [{"name": one, "value": str(value)} for one, value in settings.items()]}  # fmt: skip


def main(rounds: int) -> None:
    """Print accuracies, epochs, paired differences to random search without the rule, and how often its winner wins with it, too."""
    experiment = yaml.safe_load(Path(paths.course_root() / "manifests/607/random.yaml").read_text())
    found: dict[tuple[int, str], list[tuple[float, int]]] = {}
    winners: dict[tuple[int, str], list[Settings]] = {}
    for seed in range(10_000, 10_000 + rounds):
        trainer = Trainer(seed)
        for trials in COUNTS:
            for name, (algorithm, stop) in SEARCHES.items():
                done = rehearse(plan_of(experiment, algorithm, stop, trials, seed), trainer)
                ended = [one for one in done if one.state == "Succeeded"]
                winner = max(ended, key=lambda one: one.said[-1])
                epochs = sum(len(one.said) for one in done)
                found.setdefault((trials, name), []).append((100 * trainer.of(winner.settings)[1], epochs))
                winners.setdefault((trials, name), []).append(winner.settings)
    print(f"{date.today():%B %Y}, {rounds} rounds: accuracy of the winner on unseen pictures (%), epochs in all")
    for (trials, name), each in found.items():
        test, epochs = np.array(each).T
        first = np.array(found[trials, "random"]).T
        difference = "{:+.2f} ({:+.2f} to {:+.2f})".format(*paired(test, first[0]))
        pairs = zip(winners[trials, name], winners[trials, "random"], strict=True)
        same = sum(one == other for one, other in pairs)
        ends = stats.binomtest(same, rounds).proportion_ci(method="wilson")
        print(f"{trials} trials, {name:<29} {test.mean():5.1f} {difference:<24} epochs {epochs.mean() / first[1].mean():.0%}", end="")  # fmt: skip
        print(f", same winner {same} ({ends.low:.0%} to {ends.high:.0%})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
