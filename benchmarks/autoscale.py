"""Who scales a service for less: a fixed number, a timetable, the HPA, the HPA with a timetable, PPO.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/autoscale.py     # about seven minutes of processor time

Writes labsupport/rl/autoscale_contest.json and labsupport/rl/autoscaler.npz, which lessons 403 and 608 use. Every side may look at
the same twenty tuning days as often: 132 settings for each rule that has knobs; for PPO six settings with one seed and five more
seeds with the best of them, twelve checkpoints each. The held-out days are played once, with what was chosen.

PPO runs twice, with its clock and, as a control, without one: the same settings to try, seeds, days and looks.
"""

import datetime
import itertools
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from labsupport import files
from labsupport.arrays import FloatArray
from labsupport.rl.autoscale_contest import CROWDED, FILE, SETTINGS, Played, Stopped, Training, cheaper, play, train
from labsupport.rl.days import HELD_OUT, TRAINING, TUNING, Habits, draw_days
from labsupport.rl.exported import FILE as POLICY
from labsupport.rl.hpa import HPA, Fixed, Profile, Timetable

TRIES, SEEDS, CHOOSING = 132, range(5), 99
KNOBS: dict[str, list[Any]] = {
    "target": [0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85],
    "tolerance": [0.0, 0.02, 0.05, 0.1],
    "window_s": [0.0, 30.0, 60.0, 120.0, 300.0],
    "metric": ["busy", "requests"],
    "lead_s": [90.0, 120.0, 150.0, 180.0, 210.0],
}
PPO: list[dict[str, Any]] = [
    {"rate": rate, "discount": discount} for rate in (1.5e-3, 3e-3, 6e-3) for discount in (0.96, 0.98)
]


def settings(names: Iterable[str], seed: int) -> list[dict[str, Any]]:
    """Draw settings of an HPA, none of them twice."""
    every = list(itertools.product(*(KNOBS[name] for name in names)))
    chosen = np.random.default_rng(seed).permutation(len(every))[:TRIES]
    return [dict(zip(names, every[place], strict=True)) for place in chosen]


@dataclass(frozen=True)
class Learnt:
    """PPO's side of the contest: the settings it tried, the best of them, and a training of each seed with these."""

    searched: list[dict[str, Any]]
    chosen: dict[str, Any]
    trained: list[Training]

    @property
    def looks(self) -> dict[str, list[float]]:
        """What each training cost on the tuning days, look by look."""
        return {
            f"seed {seed}": one.looks.euros.round(2).tolist() for seed, one in zip(SEEDS, self.trained, strict=True)
        }


def learn(name: str, days: FloatArray, tuning: FloatArray, clock: bool) -> Learnt:
    """Try settings with a seed of their own, and train five policies with the best of them."""
    rows = []
    for knobs in PPO:
        euros = train(days, tuning, CHOOSING, replace(SETTINGS, **knobs), clock=clock).looks.euros
        rows.append(knobs | {"euros": round(float(euros.min()), 3)})
        print(name, rows[-1], f"{time.process_time():.0f} s", flush=True)
    searched = sorted(rows, key=lambda row: row["euros"])
    chosen = {knob: searched[0][knob] for knob in PPO[0]}
    trained = [train(days, tuning, seed, replace(SETTINGS, **chosen), clock=clock) for seed in SEEDS]
    found = Learnt(searched, chosen, trained)
    print(name, found.looks, f"{time.process_time():.0f} s", flush=True)
    return found


def measured(days: Played) -> dict[str, float]:
    """Return a day's bill, the share of late requests, and the mean replicas."""
    return {"euros": float(days.euros.mean()), "late": days.late_share, "replicas": float(days.replicas.mean())}


def saved(by_seed: FloatArray, rival: FloatArray) -> dict[str, tuple[float, float, float]]:
    """Return what bills (seeds, days) save against a rival's, (days,) or one of each seed: the mean of the seeds, and each seed."""
    mean, each = np.atleast_2d(rival).mean(axis=0), np.broadcast_to(rival, by_seed.shape)
    five = {"all five": cheaper(by_seed.mean(axis=0), mean)}
    return five | {f"seed {seed}": cheaper(by_seed[seed], each[seed]) for seed in SEEDS}


def main() -> None:
    days, tuning = draw_days(200, TRAINING, habits=CROWDED), draw_days(20, TUNING)
    profile = Profile.of(draw_days(200, TRAINING))
    rules: dict[str, list[dict[str, Any]]] = {
        "fixed": [{"replicas": count} for count in range(5, 21)],
        "timetable": [
            {"target": target, "lead_s": lead}
            for target in np.arange(0.26, 0.92, 0.03).round(2).tolist()
            for lead in KNOBS["lead_s"] + [240.0]
        ],
        "HPA": settings(["target", "tolerance", "window_s", "metric"], 1),
        "HPA with timetable": settings(list(KNOBS), 2),
    }
    make: dict[str, Callable[..., Any]] = {
        "fixed": Fixed,
        "timetable": lambda **knobs: Timetable(profile, **knobs),
        "HPA": HPA,
        "HPA with timetable": lambda **knobs: HPA(profile=profile, **knobs),
    }
    searched: dict[str, list[dict[str, Any]]] = {}
    chosen: dict[str, dict[str, Any]] = {}
    contestants: dict[str, Any] = {}
    for name, tries in rules.items():
        bills = [round(float(play(make[name](**knobs), tuning).euros.mean()), 3) for knobs in tries]
        order = np.argsort(bills, kind="stable")
        searched[name] = [tries[at] | {"euros": bills[at]} for at in order[:8]]
        chosen[name], contestants[name] = tries[order[0]], make[name](**tries[order[0]])
        print(name, searched[name][0], f"{time.process_time():.0f} s", flush=True)

    learnt = learn("PPO", days, tuning, clock=True)
    searched["PPO"], chosen["PPO"] = learnt.searched, learnt.chosen
    contestants |= {f"PPO, seed {seed}": one.policy for seed, one in zip(SEEDS, learnt.trained, strict=True)}
    blind = learn("PPO without a clock", days, tuning, clock=False)
    control = {f"seed {seed}": Stopped(one.policy) for seed, one in zip(SEEDS, blind.trained, strict=True)}

    worlds = {
        "held-out days": draw_days(200, HELD_OUT),
        "larger crowds": draw_days(100, HELD_OUT, 1, Habits(crowds=3.0, crowd_factor=3.0)),
        "jobs at half past": draw_days(100, HELD_OUT, 2, Habits(job_minute=30.0)),
    }
    judged, differences = {}, {}
    without: dict[str, dict[str, Any]] = {"judged": {}, "differences": {}}
    for world, unseen in worlds.items():
        played = {name: play(one, unseen) for name, one in contestants.items()}
        judged[world] = {name: measured(days) for name, days in played.items()}
        by_seed = np.array([played[f"PPO, seed {seed}"].euros for seed in SEEDS])
        differences[world] = {rival: saved(by_seed, played[rival].euros) for rival in rules}
        print(world, json.dumps(judged[world]), json.dumps(differences[world]), sep="\n", flush=True)

        stopped = {name: play(one, unseen) for name, one in control.items()}
        blind_by_seed = np.array([days.euros for days in stopped.values()])
        rivals = {rival: played[rival].euros for rival in rules} | {"PPO": by_seed}
        without["judged"][world] = {name: measured(days) for name, days in stopped.items()}
        without["differences"][world] = {rival: saved(blind_by_seed, bills) for rival, bills in rivals.items()}
        print("without a clock", json.dumps({key: found[world] for key, found in without.items()}), flush=True)

    least = min(learnt.trained, key=lambda one: float(one.looks.euros.min()))
    today = datetime.date.today()
    about = least.policy.about | {
        "trained": f"{today:%Y-%m-%d}",
        "tuning_euros": round(float(least.looks.euros.min()), 3),
    }
    replace(least.policy, about=about).save(POLICY)
    found = {
        "date": f"{today:%B %Y}", "tries": TRIES, "tuning_days": len(tuning), "searched": searched, "chosen": chosen,
        "looks": learnt.looks, "judged": judged, "differences": differences, "exported_seed": about["seed"],
        "without a clock": {"searched": blind.searched, "chosen": blind.chosen, "looks": blind.looks} | without,
    }  # fmt: skip
    files.write_text(FILE, json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
