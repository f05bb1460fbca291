"""PPO on CartPole-v1: ours and Stable-Baselines3's, with the same settings and with those of its zoo.

    python benchmarks/rl.py       # five minutes; needs `labs env rl` once (5 GB: on Linux, PyPI's torch brings CUDA)

One thread each, five seeds that no setting was chosen on, taking turns. Timed is the training until the last 100 training
episodes average 475 or more, looked at after each update, without imports. Each side steps its own environment: ours the poles
of labsupport.rl.cartpole, Stable-Baselines3 its vector of Gymnasium's. Both policies then play 1,000 fresh episodes of
Gymnasium, taking the likeliest action. Processor seconds are printed beside seconds, for a machine that isn't quiet.
Exit code 1 when ours, with the course's settings, takes more than a second (median) or is less than five times as fast.
"""

import os

os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from labsupport import isolated
from labsupport.rl import ppo
from labsupport.rl.cartpole import CartPole
from labsupport.rl.contest import episodes
from labsupport.rl.environments import Gymnasium
from labsupport.rl.policies import Network, greedy

GOAL, SEEDS = 475, range(100, 105)
# The copies of the environment, and what they train with; the second is rl-zoo's entry for CartPole-v1.
SETTINGS = {
    "course": (64, ppo.Settings()),
    "zoo": (8, ppo.Settings(steps=32, epochs=20, batch=256, rate=1e-3, trace=0.8, budget=100_096)),
}
RIVAL = Path(__file__).resolve().parent / "rivals" / "ppo_sb3.py"


def ours(copies: int, settings: ppo.Settings, seed: int, weights: Path) -> dict[str, Any]:
    """Train ours once."""
    environment = CartPole(copies, seed)
    started, processor = time.perf_counter(), time.process_time()
    reached: dict[str, Any] = {"seconds": None, "processor": None, "steps": None}
    for progress in ppo.train(environment, seed, settings):
        if len(environment.finished) >= 100 and np.mean(environment.finished[-100:]) >= GOAL:
            reached["seconds"] = time.perf_counter() - started
            reached["processor"] = time.process_time() - processor
            reached["steps"] = progress.steps
            break
    np.save(weights, progress.learner.weights[: progress.learner.policy.count])
    return reached


def theirs(copies: int, settings: ppo.Settings, seed: int, weights: Path) -> dict[str, Any]:
    """Train Stable-Baselines3's once, in its own environment."""
    asked = asdict(settings) | {"copies": copies, "seed": seed, "goal": GOAL, "weights": str(weights)}
    python = isolated.program("rl", "python")
    done = subprocess.run([python, RIVAL, json.dumps(asked)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def played(weights: Path, hidden: tuple[int, ...]) -> float:
    """Return the mean of 1,000 fresh episodes of Gymnasium's CartPole-v1."""
    environment = Gymnasium("CartPole-v1", 100, seed=9_000)
    policy = greedy(Network((4, *hidden, 2)), np.load(weights).astype(np.float32))
    return float(episodes(environment, policy, 1000).mean())


def main() -> int:
    print(f"CartPole-v1, last 100 training episodes >= {GOAL}; one thread each ({time.strftime('%B %Y')})")
    runs: dict[tuple[str, str], list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for seed in SEEDS:
            for name, (copies, settings) in SETTINGS.items():
                for who, train in (("ours", ours), ("Stable-Baselines3", theirs)):
                    weights = Path(folder) / "policy.npy"
                    run = train(copies, settings, seed, weights)
                    run["played"] = played(weights, settings.hidden)
                    runs.setdefault((who, name), []).append(run)
                    print(f"  {seed} {who:<18}{name:<8}{json.dumps(run)}", flush=True)
    print(
        f"{'':<18}{'settings':<10}{'median s':>9}{'slowest':>9}{'processor':>10}{'steps':>9}   1,000 fresh episodes, by seed"
    )
    median: dict[tuple[str, str], tuple[float, float]] = {}
    for (who, name), found in runs.items():
        seconds, processor, steps = (
            np.array([np.inf if run[key] is None else run[key] for run in found])
            for key in ("seconds", "processor", "steps")
        )
        median[who, name] = float(np.median(seconds)), float(np.median(processor))
        means = ", ".join(f"{run['played']:.1f}" for run in found)
        print(
            f"{who:<18}{name:<10}{median[who, name][0]:>9.2f}{seconds.max():>9.2f}{median[who, name][1]:>10.2f}{np.median(steps):>9,.0f}   {means}"
        )
    for name in SETTINGS:
        factors = [a / b for a, b in zip(median["Stable-Baselines3", name], median["ours", name], strict=True)]
        print(
            f"With the settings of the {name} ours takes 1/{factors[0]:.1f} of the time (processor: 1/{factors[1]:.1f})."
        )
    best = median["ours", "course"][0]
    return int(best > 1 or median["Stable-Baselines3", "course"][0] < 5 * best)


if __name__ == "__main__":
    sys.exit(main())
