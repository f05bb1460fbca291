"""Lesson 306: usual mistakes, each with words of its own diagnosis, and right answers (see test_every_lesson)."""


def combine(*lines: str) -> str:
    return "import numpy as np\ndef combine(gradients, rows):\n    " + "\n    ".join(lines)


def second(body: str) -> str:
    return f"def second_half(step, rank, workers):\n    {body}"


def rows(*lines: str) -> str:
    return "import numpy as np\ndef rows_of(step, rank, workers, rows, batch, seed):\n    " + "\n    ".join(lines)


A_PASS = "a_pass = rows // batch"
ORDER = "order = np.random.default_rng([seed, step // a_pass]).permutation(rows)"
BATCH = "chosen = order[step % a_pass * batch :][:batch]"
DEAL = "return np.array_split(chosen, workers)[rank]"

WRONG = {
    "306.1": {
        "takes a mean of means": (combine("return np.mean(gradients, axis=0)"), "counts as much as one with many"),
        "leaves empty ones out, and takes a mean of means": (
            combine("return np.mean([g for g, n in zip(gradients, rows) if n], axis=0)"),
            "a mean of means",
        ),
        "forgets the empty ones": (
            combine("return sum(n * g for g, n in zip(gradients, rows)) / sum(rows)"),
            "0 times `nan` is `nan`",
        ),
        "does not divide": (
            combine("return sum(n * g for g, n in zip(gradients, rows) if n)"),
            "not divided by their number",
        ),
        "divides by the workers": (
            combine("return sum(n * g for g, n in zip(gradients, rows) if n) / len(rows)"),
            "instead of the number of rows",
        ),
        "adds the means": (combine("return np.sum(gradients, axis=0)"), "neither weighed"),
        "changes what it was given": (
            combine(
                "for g, n in zip(gradients, rows):",
                "    g *= n",
                "return np.nansum(gradients, axis=0) / sum(rows)",
            ),
            "work on a copy",
        ),
        "returns one number": (combine("return np.nanmean(gradients)"), "one number came back"),
        "returns nothing": (combine("np.mean(gradients, axis=0)"), "no `return`"),
    },
    "306.2": {
        "plays the first half again": (
            second("return (rank - step) % workers, (rank - step - 1) % workers"),
            "this is the first half again",
        ),
        "takes from the right": (
            second("return (rank + 1 - step) % workers, (rank + 2 - step) % workers"),
            "what the right neighbour gives",
        ),
        "exchanges the two": (
            second("return (rank - step) % workers, (rank + 1 - step) % workers"),
            "off by one or turned round",
        ),
        "always gives the same": (second("return (rank + 1) % workers, rank % workers"), "the same block again"),
        "walks the other way": (
            second("return (rank + 1 + step) % workers, (rank + step) % workers"),
            "it has not got that one yet",
        ),
        "leaves the ring open": (second("return rank + 1 - step, rank - step"), "`% workers` leads round"),
        "returns one": (second("return (rank + 1 - step) % workers"), "one number came back"),
        "returns nothing": (second("(rank + 1 - step) % workers, rank - step"), "no `return`"),
    },
    "306.3": {
        "gives everybody the batch": (rows(A_PASS, ORDER, BATCH, "return chosen"), "every worker takes the whole batch"),
        "draws in each worker": (
            rows("rng = np.random.default_rng([seed, step, rank])", "return rng.permutation(rows)[: len(range(rank, batch, workers))]"),
            "their parts overlap",
        ),
        "draws anew in each step": (
            rows("order = np.random.default_rng([seed, step]).permutation(rows)", "return np.array_split(order[:batch], workers)[rank]"),
            "the order belongs to the pass",
        ),
        "leaves the rest out": (
            rows(A_PASS, ORDER, BATCH, "n = batch // workers", "return chosen[rank * n : rank * n + n]"),
            "leave a rest, which nobody takes",
        ),
        "gives the rest to the last": (
            rows(
                A_PASS, ORDER, BATCH, "n = batch // workers",
                "return chosen[rank * n :] if rank == workers - 1 else chosen[rank * n : rank * n + n]",
            ),
            "one worker takes the whole rest",
        ),
        "keeps the order": (
            rows(A_PASS, "order = np.random.default_rng(seed).permutation(rows)", BATCH, DEAL),
            "does not depend on the pass",
        ),
        "shuffles the batches only": (
            rows(
                A_PASS,
                "batches = np.random.default_rng(seed).permutation(rows).reshape(a_pass, batch)",
                "chosen = batches[np.random.default_rng([seed, step // a_pass]).permutation(a_pass)[step % a_pass]]",
                DEAL,
            ),
            "draw the order of the *rows*",
        ),
        "does not shuffle": (rows(A_PASS, "order = np.arange(rows)", BATCH, DEAL), "the second pass has the batches of the first"),
        "counts on behind the end": (
            rows(A_PASS, ORDER, "chosen = order[step * batch :][:batch]", DEAL),
            "counted anew in each pass",
        ),
        "orders within each worker": (
            rows(
                A_PASS, "own = np.arange(rows)[rank::workers]",
                "own = np.random.default_rng([seed, step // a_pass]).permutation(own)",
                "parts = np.array_split(own, a_pass)", "return parts[step % a_pass]",
            ),
            "rows are dealt to workers first",
        ),
        "forgets the seed": (
            rows(A_PASS, "order = np.random.default_rng(step // a_pass).permutation(rows)", BATCH, DEAL),
            "`seed` is not used",
        ),
        "has no seed": (rows(A_PASS, "order = np.random.permutation(rows)", BATCH, DEAL), "a generator that remembers, or that has no seed"),
        "takes a batch for each worker": (
            rows(
                A_PASS,
                ORDER,
                "place = (step * workers + rank) % a_pass * batch",
                "return order[place : place + batch]",
            ),
            "each worker takes a batch of its own",
        ),
        "shuffles the second pass only": (
            rows(A_PASS, ORDER, "if step < a_pass:", "    order = np.arange(rows)", BATCH, DEAL),
            "nothing is shuffled in the first pass",
        ),
        "gives numbers below 0": (rows(A_PASS, ORDER, BATCH, "return -np.array_split(chosen, workers)[rank]"), "are these rows"),
        "mixes the workers into the seed": (
            rows(A_PASS, "order = np.random.default_rng([seed, step // a_pass, workers]).permutation(rows)", BATCH, DEAL),
            "is the number of workers in the seed",
        ),
        "returns nothing": (rows(A_PASS, ORDER, BATCH), "no `return`"),
    },
    "306.4": {
        "takes the lesson's own case": ("case = (8, 0.02)", "the sentence held for your case"),
        "takes few workers": ("case = (2, 0.05)", "2 workers at 0.1 "),
        "leaves the rules": ("case = (64, 0.1)", "lies between 2 and 16"),
        "takes a rate of 1": ("case = (4, 1)", "a rate is a number from 0.01 to 0.2"),
        "names workers only": ("case = 8", "a case is a pair"),
    },
}  # fmt: skip

RIGHT = {
    "306.1": {
        "by numpy's average": combine(
            "there = [i for i, n in enumerate(rows) if n]",
            "return np.average([gradients[i] for i in there], axis=0, weights=[rows[i] for i in there])",
        ),
        "by nan to 0, as a list": combine(
            "return list(np.asarray(rows) @ np.nan_to_num(np.array(gradients)) / np.sum(rows))"
        ),
    },
    "306.2": {
        "as a list, counted from the end": second("return [(rank + 1 - step) % workers - workers, (rank - step) % workers]"),
        "by what the left one gives": (
            "def second_half(step, rank, workers):\n"
            "    gives = lambda who: (who + 1 + step * (workers - 1)) % workers\n"
            "    return gives(rank), gives(rank - 1)"
        ),
    },
    "306.3": {
        "every so-many-th row of the batch": rows(A_PASS, ORDER, BATCH, "return chosen[rank::workers]"),
        "by a shuffled list": (
            "import random\n"
            "def rows_of(step, rank, workers, rows, batch, seed):\n"
            "    a_pass, place = divmod(step, rows // batch)\n"
            "    order = list(range(rows))\n"
            "    random.Random(f'{seed}-{a_pass}').shuffle(order)\n"
            "    return order[place * batch + rank : (place + 1) * batch : workers]"
        ),
    },
    "306.4": {"many workers": "case = (16, 0.05)", "the best rate": "case = [4, 0.2]"},
}  # fmt: skip
