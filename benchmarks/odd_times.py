"""Where nothing foretells a rush: does PPO still beat a tuned HPA? (Quiz 403.b.)

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/odd_times.py     # about five minutes of processor time

The traffic of lesson 403 without its jobs: instead twelve rushes a day of 1.3 to 2.2 times the load, at any time. The HPA may try
132 settings on twenty tuning days; PPO gets two rates with a seed of their own and five more seeds with the better one, twelve
checkpoints each. The 200 held-out days are played once.
"""

import datetime
from dataclasses import replace

import numpy as np
from autoscale import settings

from labsupport.rl.autoscale_contest import SETTINGS, best, cheaper, play, train
from labsupport.rl.days import HELD_OUT, TRAINING, TUNING, Habits, draw_days
from labsupport.rl.hpa import HPA, Fixed

ODD = Habits(job_factor=1.0, crowds=12.0, crowd_factor=2.2)


def main() -> None:
    """Tune the rules, train PPO, judge both on unseen days, and print the differences."""
    days, tuning = draw_days(200, TRAINING, habits=ODD), draw_days(20, TUNING, habits=ODD)
    rules = {
        "fixed": best([Fixed(count) for count in range(3, 17)], tuning)[0],
        "HPA": best([HPA(**knobs) for knobs in settings(["target", "tolerance", "window_s", "metric"], 1)], tuning)[0],
    }
    for bill, rule in rules.values():
        print(f"{bill:.2f} euros on tuning days: {rule}", flush=True)
    tried = {rate: train(days, tuning, 99, replace(SETTINGS, rate=rate)).looks.euros.min() for rate in (3e-3, 6e-3)}
    rate = min(tried, key=lambda one: float(tried[one]))
    print("PPO, by rate:", {one: round(float(bill), 2) for one, bill in tried.items()}, flush=True)
    unseen = draw_days(200, HELD_OUT, habits=ODD)
    by_seed = []
    for seed in range(5):
        by_seed.append(play(train(days, tuning, seed, replace(SETTINGS, rate=rate)).policy, unseen).euros)
        print(f"PPO, seed {seed}: {by_seed[-1].mean():.2f} euros a day", flush=True)
    mine = np.mean(by_seed, axis=0)
    for name, (_, rule) in rules.items():
        bill = play(rule, unseen).euros
        text = "{:+.2f} ({:+.2f} to {:+.2f})".format(*cheaper(mine, bill))
        share = float(mine.mean() / bill.mean())
        print(f"{datetime.date.today():%B %Y}: {name} {bill.mean():.2f}, PPO {mine.mean():.2f} euros a day ({share:.3f} of it); PPO saves {text}")  # fmt: skip


if __name__ == "__main__":
    main()
