"""Learning rates on CartPole-v1: the same seven for PPO with and without its parts, and seven for REINFORCE.

    python benchmarks/rl_rates.py     # about five minutes of processor time

Five seeds that lesson 402 does not use. Printed is how many reach the goal (last 100 training episodes >= 475) within 122,880
steps, the median steps to it, and the mean of the last 100 returns at the end, as the range of the five.
"""

import os

os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from labsupport.rl import ppo, reinforce
from labsupport.rl.contest import Run, run_ppo, run_reinforce

SEEDS = range(200, 205)
COURSE, OLD = ppo.Settings(), reinforce.Settings(budget=122_880)
PPO_RATES = (2.5e-4, 5e-4, 1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2)
OLD_RATES = (5e-3, 1e-2, 2e-2, 4e-2, 8e-2, 0.16, 0.32)
LEARNERS: dict[str, tuple[Callable[..., Run], ppo.Settings | reinforce.Settings, tuple[float, ...]]] = {
    "PPO": (run_ppo, COURSE, PPO_RATES),
    "PPO, no clip": (run_ppo, replace(COURSE, clip=np.inf), PPO_RATES),
    "PPO, not normalised": (run_ppo, replace(COURSE, normalise=False), PPO_RATES),
    "PPO, entropy 0.01": (run_ppo, replace(COURSE, entropy=0.01), PPO_RATES),
    "REINFORCE, baseline": (run_reinforce, OLD, OLD_RATES),
    "REINFORCE, none": (run_reinforce, replace(OLD, baseline=False), OLD_RATES),
}


def main() -> None:
    """Print a row for each learner and rate."""
    print(f"{'':<21}{'rate':>8}{'reached':>9}{'steps':>9}   last 100 returns   ({time.strftime('%B %Y')})")
    for name, (train, settings, rates) in LEARNERS.items():
        for rate in rates:
            runs = list(map(partial(train, settings=replace(settings, rate=rate)), SEEDS))
            steps = [run.reached() for run in runs]
            ends = [run.means[-1] for run in runs]
            print(
                f"{name:<21}{rate:>8g}{np.isfinite(steps).sum():>4} of 5{np.median(steps):>9,.0f}   {min(ends):.0f} to {max(ends):.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
