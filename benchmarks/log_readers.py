"""Who reads logs best: five readers where order decides, two on incidents whose wording changes; five seeds each.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/log_readers.py     # about eight minutes on a busy machine

Writes labsupport/dl/log_readers.json, which lesson 304 shows. Each reader tries four settings on data of a seed of its own (order) or on the
days between two releases (incidents), which the test never sees.
"""

import datetime
import json

import pandas as pd

from labsupport import files
from labsupport.dl.log_readers import (
    FILE,
    LINES,
    LINES_READ,
    WORDS_READ,
    by_time,
    choose,
    newest,
    numbered,
    share,
    split,
)
from labsupport.dl.log_windows import RELEASES, causes, encode, incidents, kinds, vocabulary
from labsupport.world import log_windows

COUNTS, SEEDS = (500, 2_000, 6_000), range(5)


def windows(count, seed):
    """Return windows to learn from and 2,000 others, each as (tokens, causes)."""
    some, others = log_windows(count, seed=1000 + seed), log_windows(2_000, seed=2000 + seed)
    known = vocabulary([kinds(window) for window in some])
    return [(encode([kinds(w) for w in each], known, LINES), causes(each)) for each in (some, others)]


def order():
    """Yield a row for each reader, number of windows and seed."""
    for count in COUNTS:
        fit, judge = windows(count, 99)
        for name, (who, tries) in LINES_READ.items():
            best = choose(who, tries, fit, judge)
            for seed in SEEDS:
                learn, test = windows(count, seed)
                yield "order", name, best, count, seed, share(who(*learn, seed, **best), *test)


def wordings():
    """Yield two rows for each reader and seed: on wordings that were there before, and on the newest."""
    for seed in SEEDS:
        found = incidents(seed=seed)
        known, fit = split(found, RELEASES[1])
        judge = numbered(by_time(found, RELEASES[1], RELEASES[2]), known)
        chosen = {name: choose(who, tries, fit, judge) for name, (who, tries) in WORDS_READ.items()}
        known, learn = split(found, RELEASES[2])
        future = by_time(found, RELEASES[2])
        tokens, labels = numbered(future, known)
        new = newest(future)
        for name, (who, _) in WORDS_READ.items():
            reader = who(*learn, seed, **chosen[name])
            for task, rows in (("known wording", ~new), ("new wording", new)):
                yield task, name, chosen[name], len(learn[1]), seed, share(reader, tokens[rows], labels[rows])


def main() -> None:
    """Measure and write the table."""
    rows = []
    for task, name, settings, count, seed, accuracy in (*order(), *wordings()):
        rows.append((task, name, json.dumps(settings), count, seed, round(accuracy, 4)))
        print(rows[-1], flush=True)
    day = datetime.datetime.now(datetime.UTC).date()
    table = pd.DataFrame(rows, columns=["task", "who", "settings", "windows", "seed", "accuracy"])
    files.write_json(FILE, table.assign(measured=str(day)).to_dict("records"))


if __name__ == "__main__":
    main()
