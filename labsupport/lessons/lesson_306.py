"""Lesson 306, training on many machines: checkers, hints, guesses and quiz."""

from functools import partial
from typing import Any

import numpy as np

from labsupport.dl.rounds import beginning, first_half, play
from labsupport.exercises import Measured, expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail
from labsupport.exercises.refute import OutsideRules, whole_number

exercises = Exercises("306")

exercises.guess(
    "g1", "Bytes that each worker of a ring sends with eight workers, as a multiple of those with two", unit="times"
)
exercises.guess(
    "g2", "With eight workers, at the same rate and number of passes, accuracy stays within two points of one worker's"
)
exercises.guess("g3", "Two processes on two cores make a step of the small training shorter than one process does")


@exercises.check(
    "1",
    "The gradient of all rows",
    hints=(
        "A mean times its count is a sum. Sums may be added, and the sum of all rows is divided once, at the end.",
        "`nan` times 0 is `nan`, not 0: a worker without rows must be left out, not multiplied.",
        "`sum(count * g for g, count in zip(gradients, rows) if count) / sum(rows)`.",
    ),
    minutes=5,
)
def combine(answer: Guarded) -> str:
    """Deal rows evenly, unevenly, and to workers that get none, whose mean is nan."""
    together = expect.function(answer)
    rng = np.random.default_rng(306)
    for counts in ([5, 5], [7, 1, 4], [3], [0, 6, 2], [4, 0, 0, 9]):
        each_row = rng.normal(3, 2, size=(sum(counts), 6))
        parts = np.split(each_row, np.cumsum(counts)[:-1])
        means = [part.mean(axis=0) if len(part) else np.full(6, np.nan) for part in parts]
        want = each_row.mean(axis=0)
        result = expect.returned(together(means, counts), "the gradient of all rows")
        where = f"for parts of {', '.join(map(str, counts))} rows"
        try:
            saw = expect.array(result, (6,), "the gradient")
        except Fail as fail:
            raise Fail(f"{fail.saw} {where}", fail.expected, fail.cause, question=fail.question) from None
        if np.allclose(saw, want, rtol=1e-9):
            continue
        raise Fail(f"{saw[0]:.4f} in the first place {where}", f"{want[0]:.4f}", **_mistaken_mean(saw, means, counts))
    return "Right for even and uneven parts, and for workers without a row."


def _mistaken_mean(saw: Any, means: list[Any], counts: list[int]) -> dict[str, str]:
    clean = np.nan_to_num(means)
    weighed = sum(count * mean for count, mean in zip(counts, clean, strict=True))
    if np.isnan(saw).any():
        return {"cause": "the `nan` of a worker without rows got in: 0 times `nan` is `nan`"}
    if np.allclose(saw, weighed):
        return {"cause": "a sum over all rows: it is not divided by their number"}
    if np.allclose(saw, weighed / len(counts)):
        return {"cause": "divided by the number of workers instead of the number of rows"}
    if np.allclose(saw, clean.sum(axis=0)):
        return {"cause": "means added up: neither weighed by their rows nor divided"}
    if np.allclose(saw, clean.mean(axis=0)) or np.allclose(saw, np.nanmean(means, axis=0)):
        return {"cause": "a mean of means: a worker with few rows counts as much as one with many"}
    return {"question": "which weight does each worker's mean get, and do the weights add up to 1?"}


@exercises.check(
    "2",
    "The second half of the ring",
    hints=(
        "In step 0 a worker can only give what is whole with it. Look at the print: which block has a 4 at worker 0, which at worker 1?",
        "What is taken in a step is given in the next one. So both numbers fall by one a step, as in the first half.",
        "Worker `rank` begins with block `rank + 1`; it takes block `rank`, which its left neighbour begins with. Don't forget `% workers`.",
    ),
    minutes=8,
)
def second_half(answer: Guarded) -> str:
    """Play the second half after the first with one to seven workers."""
    plan = expect.function(answer)
    for workers in (4, 2, 3, 5, 7):
        holds = play(beginning(workers), first_half, add=True)
        whole = frozenset(range(workers))
        for step in range(workers - 1):
            plans = [_pair(partial(plan, step, rank, workers), step, rank, workers) for rank in range(workers)]
            for rank, (give, _) in enumerate(plans):
                if holds[rank][give] != whole:
                    raise Fail(
                        f"worker {rank} of {workers} gives block {give} in step {step}, which holds the numbers of {len(holds[rank][give])} workers",
                        "a block that is whole at this worker",
                        _mistaken_gift(plans, step, workers),
                    )
            after = [list(blocks) for blocks in holds]
            for rank, (_, take) in enumerate(plans):
                given = plans[rank - 1][0]
                if take != given:
                    raise Fail(
                        f"worker {rank} of {workers} takes block {take} in step {step}, its left neighbour {(rank - 1) % workers} gives block {given}",
                        "the same block on both sides",
                        _mistaken_taking(plans, workers),
                    )
                after[rank][take] = whole
            holds = after
        lacking = sum(block != whole for blocks in holds for block in blocks)
        if lacking:
            raise Fail(
                f"{lacking} blocks of {workers} workers are not whole at the end",
                "all are whole everywhere",
                "a worker gives the same block again: what came in one step goes on in the next",
            )
    return "Whole everywhere, with two to seven workers."


def _pair(call: Any, step: int, rank: int, workers: int) -> tuple[int, int]:
    given = expect.returned(call(), "two numbers of blocks")
    values = expect.array(given, (2,), "the blocks to give and to take")
    where = f"in step {step}, for worker {rank} of {workers}"
    if not (values == np.round(values)).all():
        raise Fail(f"`{given!r:.40}` {where}", "two whole numbers", "`/` instead of `//` or `%`?")
    # Blocks are counted from the end in Python as well.
    if not ((values >= -workers) & (values < workers)).all():
        raise Fail(
            f"`{given!r:.40}` {where}",
            f"numbers from 0 to {workers - 1}",
            "the ring is closed: `% workers` leads round",
        )
    return int(values[0]) % workers, int(values[1]) % workers


def _mistaken_gift(plans: list[tuple[int, int]], step: int, workers: int) -> str:
    if step == 0 and all(plans[rank] == first_half(0, rank, workers) for rank in range(workers)):
        return "this is the first half again: after it, which block is whole at worker 0?"
    if step == 0 and workers == 2:
        return "give and take are exchanged, or the block is off by one: which one is whole at worker 0?"
    if step == 0:
        return "off by one or turned round: read from the print which block is whole at which worker"
    return "it has not got that one yet: give in each step what came in the one before"


def _mistaken_taking(plans: list[tuple[int, int]], workers: int) -> str:
    if all(plans[rank][1] == plans[(rank + 1) % workers][0] for rank in range(workers)):
        return "this is what the right neighbour gives: blocks come from the left, that is from `rank - 1`"
    return "what a worker takes is what `rank - 1` gives in the same step: put `rank - 1` into your own rule"


# Rows, batch and seed of 306.3.
DEALS = ((24, 6, 0), (60, 12, 5), (35, 7, 3))


@exercises.check(
    "3",
    "Rows that follow from the step",
    hints=(
        "Think of the order of a pass first, for all workers: `seed` and the number of the pass decide it, and no worker does.",
        "`rows // batch` steps are a pass. Step 33 of passes of 16 steps is in pass 2, and takes the second batch of its order.",
        "`np.random.default_rng([seed, step // a_pass]).permutation(rows)`, cut out the batch, and `np.array_split(..., workers)[rank]`.",
    ),
    minutes=9,
)
def rows_of(answer: Guarded) -> str:
    """Deal two passes to one to five workers, in any order of calls, and compare batches, parts and passes."""
    deal = expect.function(answer)
    for rows, batch, seed in DEALS:
        a_pass = rows // batch
        again = [_rows(deal, step, 1, 3, rows, batch, seed) for step in (1, 0, 1)]
        if again[0] != again[2]:
            raise Fail(
                "other rows when the same step is asked for again",
                "the same rows",
                "the order comes from a generator that remembers, or that has no seed: make one of `seed` and the pass in each call",
            )
        by_workers = {}
        for workers in (4, 1, 3, 5):
            steps = [
                [_rows(deal, step, rank, workers, rows, batch, seed) for rank in range(workers)]
                for step in range(2 * a_pass)
            ]
            _judge_parts(steps, rows, batch, workers)
            by_workers[workers] = [sorted(row for part in parts for row in part) for parts in steps]
        for workers, batches in by_workers.items():
            if batches != by_workers[1]:
                step = next(n for n, one in enumerate(batches) if one != by_workers[1][n])
                raise Fail(
                    f"the batch of step {step} has other rows with {workers} workers than with one",
                    "the same batch for any number of workers",
                    "is the number of workers in the seed? Order all rows, cut out the batch, and deal it then",
                )
        _judge_passes(by_workers[1], a_pass)
        other = [sorted(_rows(deal, step, 0, 1, rows, batch, seed + 1)) for step in range(a_pass)]
        if other == by_workers[1][:a_pass]:
            raise Fail(f"the same batches for the seeds {seed} and {seed + 1}", "another order", "`seed` is not used")
    return "Each row once a pass, the same batches for one to five workers, in any order of calls."


def _rows(deal: Guarded, step: int, rank: int, workers: int, rows: int, batch: int, seed: int) -> list[int]:
    result = expect.returned(deal(step, rank, workers, rows, batch, seed), "the rows of a worker")
    where = f"in step {step}, for worker {rank} of {workers}"
    values = expect.array(result, (np.size(result),), f"the rows {where}")
    if (values >= rows).any():
        cause = "behind the end of a pass: the step is counted anew in each pass"
        raise Fail(f"row {int(values.max())} {where}", f"row numbers from 0 to {rows - 1}", cause)
    if not ((values >= 0) & (values == np.round(values))).all():
        raise Fail(f"`{values[:4].tolist()}` {where}", f"row numbers from 0 to {rows - 1}", question="are these rows, or something else?")  # fmt: skip
    return [int(value) for value in values]


def _judge_parts(steps: list[list[list[int]]], rows: int, batch: int, workers: int) -> None:
    for step, parts in enumerate(steps):
        dealt = [row for part in parts for row in part]
        where = f"in step {step} with {workers} workers"
        if len(set(dealt)) < len(dealt):
            twice = len(dealt) - len(set(dealt))
            cause = (
                "every worker takes the whole batch: deal it out"
                if all(len(part) == batch for part in parts) and workers > 1
                else "workers draw by themselves: their parts overlap. One order for all, and each takes its own piece of it"
            )
            raise Fail(f"{twice} of {len(dealt)} rows come twice {where}", f"{batch} different rows", cause)
        if len(dealt) != batch:
            raise Fail(
                f"{len(dealt)} rows {where}", f"{batch}", **_mistaken_count(len(dealt), steps, rows, batch, workers)
            )
        sizes = [len(part) for part in parts]
        if max(sizes) - min(sizes) > 1:
            raise Fail(
                f"parts of {', '.join(map(str, sizes))} rows {where}",
                "parts that differ by one row at most",
                "one worker takes the whole rest, and all wait for it",
            )
    a_pass = rows // batch
    for begin in (0, a_pass):
        seen = {row for parts in steps[begin : begin + a_pass] for part in parts for row in part}
        if len(seen) < rows:
            raise Fail(
                f"{len(seen)} of {rows} rows in the pass that begins with step {begin}",
                "each row once a pass",
                "a new order in each step, so that some rows come often and some never: the order belongs to the pass",
            )


def _mistaken_count(count: int, steps: list[list[list[int]]], rows: int, batch: int, workers: int) -> dict[str, str]:
    in_a_pass = sum(len(part) for parts in steps[: rows // batch] for part in parts)
    if count == 0:
        return {"cause": "past the end of a pass there is nothing left: the step is counted anew in each pass"}
    if in_a_pass == rows:
        return {"cause": "rows are dealt to workers first, and each cuts its own into steps: cut the batch out of an order of all rows, then deal it"}  # fmt: skip
    if batch - workers < count < batch:
        return {"cause": f"{batch} rows on {workers} workers leave a rest, which nobody takes"}
    if count == batch * workers:
        return {"cause": "each worker takes a batch of its own: `batch` is what all take together"}
    return {"question": "what do the parts of a step add up to?"}


def _judge_passes(batches: list[list[int]], a_pass: int) -> None:
    first, second = batches[:a_pass], batches[a_pass:]
    if first == second:
        raise Fail("the second pass has the batches of the first", "a new order in each pass", "the order does not depend on the pass, `step // (rows // batch)`")  # fmt: skip
    if {frozenset(one) for one in first} == {frozenset(one) for one in second}:
        raise Fail("the second pass has the batches of the first in another order", "other rows together in each pass", "the batches are made once and only their order is drawn anew: draw the order of the *rows* in each pass")  # fmt: skip
    if [row for one in first for row in one] == sorted(row for one in first for row in one):
        raise Fail("the first pass goes through the rows from 0 up", "an order at random", "nothing is shuffled in the first pass")  # fmt: skip


@exercises.refute(
    "4",
    "Multiply the rate by the number of workers, and accuracy stays within two points of one worker's",
    case="a pair of the number of workers, 2 to 16, and one worker's rate, 0.01 to 0.2",
    hints=(
        "One worker at 0.02 is far from its best: 0.2 brings it seven points more. How much room is there above 0.02, and how much above 0.2?",
        "From 305: there is a limit to a rate, whatever the batch. Which products of workers and rate come near it?",
        "The rule was found on small factors. Take a rate that is good for one worker, and many workers.",
    ),
    minutes=6,
    seconds=30.0,
)
def scaling_keeps_accuracy(case: Any) -> Measured:
    """Train from five starts that the lesson has not used; it fails when the whole interval (95 %) lies below -2 points."""
    from labsupport.dl.contest import paired
    from labsupport.dl.scaling import accuracies

    if not isinstance(case, list | tuple | np.ndarray) or len(case) != 2:
        raise OutsideRules("a case is a pair such as (8, 0.02)")
    workers = whole_number(case[0], 2, 16, "a number of workers")
    rate = case[1].item() if isinstance(case[1], np.generic) else case[1]
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0.01 <= rate <= 0.2:
        raise OutsideRules(f"a rate is a number from 0.01 to 0.2, this is {rate!r:.30}")
    one = accuracies(1, float(rate), 50)
    gap, low, high = paired(accuracies(workers, float(rate) * workers, 50), one)
    numbers = f"one worker at {rate:g} {one.mean():.1f} %, {workers} workers at {rate * workers:g} {gap:+.1f} points ({low:+.1f} to {high:+.1f})"
    return Measured(not high < -2, numbers)


exercises.quiz(
    "a",
    "One process clips its gradient: if it is longer than 1, it is shortened to 1, so that a strange row can't throw the weights far. Now four workers clip *their* gradients so, and then add them. Is that the same training?",
    ("Yes: a mean of four gradients that are no longer than 1 is no longer than 1 either.", False, "True, and not what was asked. The limit holds, but the step is another one: four gradients of length 3 that cancel out to 0.5 would not be clipped by one process at all."),
    ("Yes, as long as all four have the same number of rows.", False, "Equal parts make a mean of means right. Clipping is no mean: it depends on how long each part is."),
    ("No: one process clips the mean of all rows. Add and divide first, then let everybody clip the mean.", True, "What was equal was adding. Whatever is done to the gradient of the whole batch belongs behind the all-reduce, where all have the same vector and do the same."),
    ("No: clipped differently, the four copies get different weights and drift apart.", False, "They add up and then take the same step, so they stay the same. It is a different training, on which they agree."),
)  # fmt: skip
exercises.quiz(
    "b",
    "Eight machines, the batch dealt out among them: a step takes 100 ms, of which 40 are work and 60 go into sending large blocks round the ring. What will it be with sixteen machines and the same batch?",
    ("About 50 ms: twice the machines, half the time.", False, "That halves the talk as well. Each machine still has to send nearly two vectors."),
    ("About 50 ms for the work and the blocks, since blocks are half as large, too.", False, "Half as large and more than twice as many: 30 messages instead of 14."),
    ("About 140 ms: the messages double, and so does the talk.", False, "The messages do, but each carries half as much. Where large blocks fill the time it is bytes that count."),
    ("About 84 ms: the work is halved, and each machine sends a little more than before.", True, "20 ms of work. 30/16 of a vector instead of 14/8: 60 ms become 64. Sixteen machines for a sixth less time: look for a larger batch, a better link, or fewer bytes a number."),
)  # fmt: skip
exercises.quiz(
    "c",
    "Say the manifest has `batch/v1`, a restart policy and an image that starts. `train.py` fixes its seed and reads all the data. What runs?",
    ("One ring of 16 processes: `parallelism` times `-np`.", False, "`horovodrun` knows the host that it runs on and the hosts that it was told. It was told none."),
    ("Four rings of four processes, each in a pod, which train the same network four times.", True, "And the Job is green, the curves look well, and the bill is four times as high. Without a fixed seed it would be four different networks, of which the last one to save wins."),
    ("One ring of four pods, with four threads each.", False, "`-np` starts processes, and nothing connects one pod with another."),
    ("Nothing: the pods wait for each other until the Job's deadline.", False, "They would, if each knew of the others. Each finds its four processes complete, and begins."),
)  # fmt: skip
exercises.quiz(
    "d",
    "One of eight machines does not fail: its disk is full of errors, and since noon it works at a tenth of its speed. Nearly all of a step is work. Which of these will you see first?",
    ("Every worker's steps take nearly ten times as long, and no worker complains.", True, "All wait for it, patiently: it does say something. Only each worker's *own* work time, beside its waiting, shows who it is: export both."),
    ("Its two neighbours report it as lost.", False, "Lost is who closes the connection or says nothing for the whole of `patience`. It speaks at every step, late."),
    ("The training takes about a fifth longer, since one of eight is slow.", False, "That would be so if the others went on without it. No step ends before the slowest is there."),
    ("The loss gets worse, because its gradients come too late to be used.", False, "They are waited for, so they are used. (Asynchronous training exists, and has this very fault.)"),
)  # fmt: skip
