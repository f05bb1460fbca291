"""GRPO, PPO and REINFORCE write scaling commands: rates, equal answers and updates, ablations.

    python benchmarks/grpo.py            # all of it, about ten minutes of processor time
    python benchmarks/grpo.py ablations  # one part: plain, ablations

Five seeds that lesson 404 does not use for rates (200 to 204), five others (210 to 214) for what is compared afterwards.
Accuracy is that of commands which are drawn, not of the likeliest ones.
"""

import os

os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from labsupport.dl.contest import paired
from labsupport.rl import grpo
from labsupport.rl.commands import PLAIN, SUMS, Problem
from labsupport.rl.writing_contest import Course, ppo_settings, run_grpo, run_ppo, run_reinforce

TUNING, JUDGING = range(200, 205), range(210, 215)
RATES = (1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2)


def learners(problem: Problem, budget: int, steps: int) -> dict[str, Callable[[int, float], Course]]:
    """Return the three, each to be given a seed and a rate; `steps` of Adam for 512 answers."""
    epochs, parts = (2, steps // 2) if steps > 1 else (1, 1)
    group = grpo.Settings(epochs=epochs, parts=parts, budget=budget)
    return {
        "GRPO": lambda seed, rate: run_grpo(seed, replace(group, rate=rate), problem),
        "PPO": lambda seed, rate: run_ppo(seed, ppo_settings(rate, steps, problem), problem, budget),
        "REINFORCE": lambda seed, rate: run_reinforce(seed, rate, problem, budget, steps),
    }


def contest(problem: Problem, budget: int, steps: int) -> None:
    """Tune each learner's rate on five seeds, judge it on five others."""
    print(f"{budget:,} answers, {steps} steps of Adam for each 512")
    found = {}
    for name, train in learners(problem, budget, steps).items():
        tried = {
            rate: np.mean([problem.accuracy(train(seed, rate).weights, seed) for seed in TUNING]) for rate in RATES
        }
        best = max(tried, key=lambda rate: tried[rate])
        began = time.process_time()
        runs = [train(seed, best) for seed in JUDGING]
        seconds = (time.process_time() - began) / len(runs)
        found[name] = np.array([problem.accuracy(run.weights, seed) for run, seed in zip(runs, JUDGING, strict=True)])
        print(
            f"  {name:<10} rates {', '.join(f'{rate:g} {share:.3f}' for rate, share in tried.items())}\n"
            f"  {'':<10} at {best:g}: {show(found[name])}, 90 % after {show([run.reached() / 1000 for run in runs], '.1f')} thousand, {seconds:.2f} s",
            flush=True,
        )
    for name in ("PPO", "REINFORCE"):
        print("  GRPO minus {}: {:+.3f} ({:+.3f} to {:+.3f})".format(name, *paired(found["GRPO"], found[name])))


def contests() -> None:
    """Hold the contest with four steps of Adam for 512 answers, and with one."""
    for steps in (4, 1):
        contest(PLAIN, 40_960, steps)


def ablations() -> None:
    """Take parts of GRPO away, on sums, and let its rivals try what they have against too early certainty."""
    print("sums, 81,920 answers, at the best of four rates each: accuracy on five other seeds")
    base = grpo.Settings(budget=81_920)
    kinds: dict[str, Callable[[int, float], Course]] = {}
    for name, change in {
        "GRPO, no leash": {},
        "GRPO, KL 0.03": {"kl": 0.03},
        "GRPO, KL 0.3": {"kl": 0.3},
        "GRPO, not divided": {"normalise": False},
        "GRPO, groups of 2": {"groups": 256, "size": 2},
        "GRPO, groups of 4": {"groups": 128, "size": 4},
        "GRPO, groups of 64": {"groups": 8, "size": 64},
        "GRPO, groups of 256": {"groups": 2, "size": 256},
    }.items():
        kinds[name] = partial(_group, replace(base, **change))  # type: ignore[arg-type]
    for entropy in (0.0, 0.01, 0.03):
        kinds[f"PPO, entropy {entropy:g}"] = partial(_ppo, entropy)
    kinds["REINFORCE"] = lambda seed, rate: run_reinforce(seed, rate, SUMS, 81_920)
    levels = {}
    for name, train in kinds.items():
        tried = {
            rate: np.mean([SUMS.accuracy(train(seed, rate).weights, seed) for seed in TUNING]) for rate in RATES[1:]
        }
        best = max(tried, key=lambda rate: tried[rate])
        runs = [train(seed, best) for seed in JUDGING]
        levels[name] = np.array([SUMS.accuracy(run.weights, seed) for run, seed in zip(runs, JUDGING, strict=True)])
        gap = paired(levels[name], levels["GRPO, no leash"])
        teaching = [run.teaching[-10:].mean() for run in runs if len(run.teaching)]
        note = f", teaching at the end {np.mean(teaching):.2f}" if teaching else ""
        print(
            f"  {name:<22} rate {best:g}: {show(levels[name])}, against the first {gap[0]:+.2f} ({gap[1]:+.2f} to {gap[2]:+.2f}){note}",
            flush=True,
        )


def _group(settings: grpo.Settings, seed: int, rate: float) -> Course:
    return run_grpo(seed, replace(settings, rate=rate), SUMS)


def _ppo(entropy: float, seed: int, rate: float) -> Course:
    return run_ppo(seed, replace(ppo_settings(rate, problem=SUMS), entropy=entropy), SUMS, 81_920)


def show(values: object, digits: str = ".3f") -> str:
    """Return a median and the range."""
    sorted_values = np.sort(np.asarray(values, dtype=float))
    return f"{np.median(sorted_values):{digits}} ({sorted_values[0]:{digits}} to {sorted_values[-1]:{digits}})"


PARTS: dict[str, Callable[[], None]] = {
    "plain": contests,
    "ablations": ablations,
}

if __name__ == "__main__":
    print(time.strftime("%B %Y"))
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
