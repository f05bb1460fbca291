"""Q-learning with a table: how its knobs were chosen, for the service and for CartPole.

    python benchmarks/rl_tables.py     # about two minutes of processor time

Five seeds that lesson 401 does not use. For the service: the exact worth of the learnt policy after 3,000 hours, mean and worst of five. For
CartPole: the mean of the last 100 of 400 training episodes, once with ends as they are, once with a time-out taken for a fall.
"""

import time
from dataclasses import replace
from itertools import product

import gymnasium as gym
import numpy as np

from labsupport.rl.binned import Binned
from labsupport.rl.planning import value_iteration, worth
from labsupport.rl.sick_service import SickService
from labsupport.rl.tabular import Settings, has_no_future, train

SEEDS = range(500, 505)
EDGES = {
    "3 x 3 x 6 x 4": [[-0.8, 0.8], [-0.5, 0.5], [-0.1, -0.02, 0, 0.02, 0.1], [-0.87, 0, 0.87]],
    "1 x 1 x 6 x 4": [[], [], [-0.1, -0.02, 0, 0.02, 0.1], [-0.87, 0, 0.87]],
    "3 x 3 x 4 x 3": [[-0.8, 0.8], [-0.5, 0.5], [-0.1, 0, 0.1], [-0.5, 0.5]],
}


def service() -> None:
    """Print a row for each pair of rate and exploration."""
    P, R = SickService().model()
    start = np.arange(6) * 8
    best = worth(P, R, 0.97, value_iteration(P, R, 0.97).argmax(axis=1))[start].mean()
    print(
        f"service: worth after 3,000 hours, mean (worst) of five; the best policy {best:.1f}   ({time.strftime('%B %Y')})"
    )
    for (rate, last), explore in product(((0.1, 0.1), (0.1, 0.01), (0.3, 0.01)), (0.05, 0.1, 0.2)):
        settings, found = Settings(rate=rate, last_rate=last, explore=explore, episodes=3000), []
        for seed in SEEDS:
            *_, last_one = train(SickService(), seed, settings)
            found.append(worth(P, R, 0.97, last_one.policy)[start].mean())
        print(f"  rate {rate:g} to {last:g}, explore {explore:g}: {np.mean(found):.1f} ({min(found):.1f})", flush=True)


def cartpole() -> None:
    """Print a row for each kind of bins and of exploration."""
    print("CartPole: mean of the last 100 of 400 episodes, five seeds: ends right | time-out taken for a fall")
    base = Settings(rate=0.3, last_rate=0.01, discount=0.99, explore=0, start=100, episodes=400)
    kinds = {"start 100": base, "start 0, explore 0.1": replace(base, start=0, explore=0.1)}
    for (bins, edges), (kind, settings) in product(EDGES.items(), kinds.items()):
        row = []
        for over in (has_no_future, lambda terminated, truncated: terminated or truncated):
            for seed in SEEDS:
                course = train(Binned(gym.make("CartPole-v1"), edges), seed, settings, over)
                row.append(np.mean([one.total for one in course][-100:]))
        print(f"  {bins}, {kind}: {np.round(row[:5])} | {np.round(row[5:])}", flush=True)


if __name__ == "__main__":
    service()
    cartpole()
