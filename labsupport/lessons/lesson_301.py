"""Lesson 301, a neural network from nothing: checkers, hints, guesses and quiz."""

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail
from labsupport.exercises.refute import Measured, OutsideRules, whole_number
from labsupport.lessons.cases import sizes_301

if TYPE_CHECKING:
    from labsupport.lessons.cases.epochs_301 import Watched

exercises = Exercises("301")

exercises.guess("g1", "How far the network is ahead of the linear model", unit="points")
exercises.guess("g2", "With dropout the network is better on pictures that it has not seen")
exercises.guess("g3", "Accuracy of the tutorial's network with pixels from 0 to 255", unit="%")


@exercises.check(
    "1",
    "Which gradients are wrong",
    hints=(
        "A stage alone has no loss. Make one: any weighted sum of its outputs, with weights that you draw at random. What is the gradient of that sum by the outputs?",
        "`pull = rng.normal(size=...)`, loss: `(stage.forward(x) * pull).sum()`. Then `stage.backward(pull)` claims to be the gradient by `x`, and `stage.gradients` those by `stage.parameters`.",
        "Two gradients agree when their largest difference is small *beside the gradient itself*: `abs(a - b).max() > 1e-4 * abs(a).max()` is wrong, whatever the size.",
    ),
    minutes=10,
)
def wrong_gradients(answer: Guarded) -> str:
    """Hand over chains with other mistakes in them, some in a parameter, some seen by random weights only, large and small."""
    from labsupport.lessons.cases.stages_301 import WRONG, chain

    find = expect.function(answer)
    checked = 0
    for seed in range(1, 13):
        stages, x = chain(seed)
        saw = expect.names(find(stages, x))
        want = {name for name, stage in stages.items() if isinstance(stage, WRONG)}
        strange = saw - set(stages)
        if strange:
            raise Fail(
                f"{', '.join(sorted(strange))}", f"names among {', '.join(stages)}", "return the keys of `stages`?"
            )
        checked += len(stages)
        if saw == want:
            continue
        missed, blamed = sorted(want - saw), sorted(saw - want)
        if saw == set(stages):
            raise Fail("all stages", f"those with a wrong gradient, {len(want)} of {len(stages)}", "forward once more before `backward`: trying has left other inputs behind, or the weights differ from those of the loss")  # fmt: skip
        if blamed:
            cause = "its gradient is right. Its numbers are large or small: compare with the size of the gradient itself. And is your loss of their size? One of 2 rounds outputs of a millionth away" if set(blamed) <= {"loud", "quiet"} else None  # fmt: skip
            if cause is None:
                raise Fail(f"`{blamed[0]}` is among the wrong ones", "it is right", question="what was handed to its `backward`, and is that the gradient of the loss that you tried?")  # fmt: skip
            raise Fail(f"`{blamed[0]}` is among the wrong ones", "it is right", cause)
        # The mirror is missed by a sum of all outputs, and by whoever looks at no input: the others tell these two apart.
        first = min(missed, key=lambda name: name == "mirror")
        raise Fail(f"`{first}` is missing among the wrong ones", f"{len(want)} names", _overlooked(type(stages[first]).__name__))  # fmt: skip
    return f"Right about {checked} stages in 12 chains."


def _overlooked(kind: str) -> str:
    if kind in ("MeanBias", "LastRowOnly", "HalfScale"):
        return "what it passes on may be right: compare each of `stage.gradients` with what trying `stage.parameters` gives, too"
    if kind == "HalfGain":
        return "a gradient can be small and half of what it should be: compare the difference with the size of the gradient itself"
    if kind == "PlainMirror":
        return "a loss that weighs all outputs alike can't see which output is which: draw weights at random"
    return "it passes on a wrong gradient by `x`: is `x` itself tried, and compared with what `backward` returns? And does your loss move with *every* output, also with one that is 0 (as a sum of squares does not)?"


@exercises.check(
    "2",
    "Five programs, one of them healthy",
    hints=(
        "Ask each program about the unseen pictures twice. Ask for the largest probability. Count its answers by class.",
        "Ten probabilities, put through softmax again: what is the largest value that can come out? `softmax([[1, 0, 0, ...]])` tells.",
        "Two answers that differ: dropout. A ceiling of 0.232: softmax twice. Nearly all answers are the last classes of sorted pictures: no shuffle. Of the other two, one learns nothing.",
    ),
    minutes=8,
)
def faults(answer: Any) -> str:
    """Compare each named fault with what the program was made with, and answer by evidence against the name."""
    from labsupport.lessons.cases.programs_301 import FAULTS, PROGRAMS

    letters = ", ".join(PROGRAMS)
    if not isinstance(answer, dict):
        raise Fail(
            f"`{answer!r:.40}`", f"a dictionary with a fault for each of {letters}", "is it a function, or a list?"
        )
    lacking = [letter for letter in PROGRAMS if letter not in answer or answer[letter] is ...]
    if lacking:
        raise Fail(f"nothing about {', '.join(lacking)}", f"a fault for each of {letters}", 'the healthy one has the fault "none"')  # fmt: skip
    for letter, fault in PROGRAMS.items():
        said = answer[letter]
        if said not in FAULTS:
            raise Fail(
                f"{said!r:.40} for {letter}", f"one of: {', '.join(FAULTS)}", "the names are written as in the list"
            )
        if said != fault:
            raise Fail(f"{letter}: {said}", "a fault that its behaviour shows", _against(said, letter))
    return "Four faults found by what the programs do, and the healthy one left alone."


def _against(said: str, letter: str) -> str:
    return {
        "none": f"look at {letter} again: it is not healthy. Ask it twice, count its answers, look at its probabilities",
        "softmax twice": f"then no probability could be above 0.232: what is the largest one that {letter} gives?",
        "no shuffle": f"then the last classes of the sorted pictures would be nearly all of its answers: count those of {letter}",
        "dropout never off": f"then {letter} would contradict itself: ask it about the same pictures twice",
        "labels of other pictures": f"then {letter} would have learnt nothing, on no class and evenly: has it?",
        "step too large": f"then the first loss of {letter} would be far above log(10) = 2.3: a step like that throws the weights far away",
    }[said]


@exercises.check(
    "3",
    "An epoch, repaired",
    hints=(
        "Draw an order of all rows with `rng.permutation(len(x))`, and take pieces of it: the last piece may be shorter.",
        "`cross_entropy` has the softmax in it: hand it the scores. Tell `forward` that this is training.",
        "`for begin in range(0, len(x), batch): rows = order[begin:begin + batch]`; weigh each loss by `len(rows)`, and divide the sum by `len(x)`.",
    ),
    minutes=8,
)
def one_epoch(answer: Guarded) -> str:
    """Let the epoch run on a network that writes down its calls; replay each step, whatever the order of the rows."""
    from labsupport.lessons.cases.epochs_301 import Watched, examples

    run = expect.function(answer)
    orders = []
    for count, batch, seed, draw in [
        (23, 5, 1, 1),
        (23, 5, 1, 1),
        (23, 5, 1, 2),
        (20, 5, 2, 3),
        (4, 10, 3, 4),
        (7, 1, 4, 5),
    ]:
        network = Watched(seed)
        x, labels = examples(count, seed)
        step = 0.3 / (1 + seed)
        rng = np.random.default_rng(draw)
        loss = expect.returned_number(partial(run, network, x, labels, batch, step, rng), "the mean loss")
        orders.append(_judge(network, x, labels, batch, step, loss))
    if orders[0] != orders[1]:
        raise Fail("two orders of the rows for equal generators", "the same", "the order does not come from `rng`, so that no run can be repeated")  # fmt: skip
    if orders[0] == orders[2]:
        raise Fail("the same order for two different generators", "another one", "a generator of your own with a fixed seed draws the same order in each epoch: use `rng`")  # fmt: skip
    return "Each row once, in a new order, each step against the right gradient, and the loss of all rows."


def _judge(network: "Watched", x: Any, labels: Any, batch: int, step: float, loss: float) -> list[int]:
    """Return the order of the rows in an epoch that is right; raises Fail otherwise."""
    from labsupport.lessons.cases.epochs_301 import gradients

    calls = [seen for seen in network.seen if seen.training]
    if not calls:
        raise Fail("`forward` was never told that this is training", "`training=True` for each batch", "without it dropout does nothing")  # fmt: skip
    places = {row.tobytes(): at for at, row in enumerate(x)}
    try:
        batches = [[places[row.tobytes()] for row in np.atleast_2d(seen.x)] for seen in calls]
    except KeyError:
        raise Fail(
            "rows that are not in `x`", "rows of `x`, as they are", question="what changes them on their way?"
        ) from None
    order = [at for rows in batches for at in rows]
    where = f"{len(x)} rows, batches of {batch}"
    if sorted(order) != list(range(len(x))):
        never = len(x) - len(set(order))
        if len(order) == len(set(order)):
            raise Fail(f"{never} rows were never used ({where})", "each row once", "the last batch may be shorter, but it is a batch")  # fmt: skip
        raise Fail(f"some rows were used twice, {never} never ({where})", "each row once", "an order is a permutation; `integers` and `choice` draw with replacement")  # fmt: skip
    sizes = [len(rows) for rows in batches]
    if any(size != batch for size in sizes[:-1]) or sizes[-1] > batch:
        raise Fail(f"batches of {', '.join(map(str, sizes[:6]))} rows ({where})", f"{batch} rows each, the last with the rest", question="where does a batch begin, and where does it end?")  # fmt: skip
    if len(x) > 10 and order == sorted(order):
        raise Fail(f"the rows in the order in which they came ({where})", "a new order", "nothing is shuffled, so the last classes get the last word")  # fmt: skip
    after = [seen.parameters for seen in calls[1:]] + [network.parameters]
    right_losses, at = [], 0
    for rows, seen, new in zip(batches, calls, after, strict=True):
        right, slopes = gradients(seen.parameters, x[rows], labels[rows])
        right_losses.append(right * len(rows))
        moved = [b - a for a, b in zip(seen.parameters, new, strict=True)]
        if not _same(moved, [-step * slope for slope in slopes]):
            _blame_step(moved, seen.parameters, x[rows], labels, rows, at, step, slopes)
        at += len(rows)
    mean = sum(right_losses) / len(x)
    if not np.isclose(loss, mean, rtol=1e-6):
        per_batch = float(np.mean([each / len(rows) for each, rows in zip(right_losses, batches, strict=True)]))
        if np.isclose(loss, per_batch, rtol=1e-6):
            raise Fail(f"{loss:.4f} ({where})", f"{mean:.4f}", "a short batch counts as much as a whole one: weigh each loss by its rows")  # fmt: skip
        raise Fail(f"{loss:.4f} ({where})", f"{mean:.4f}, the mean over all rows", question="is it the sum, the last batch's loss, or that of other scores?")  # fmt: skip
    return order


def _same(moved: list[Any], want: list[Any]) -> bool:
    scale = max(float(np.abs(each).max()) for each in want)
    return all(np.allclose(a, b, rtol=1e-6, atol=1e-6 * scale) for a, b in zip(moved, want, strict=True))


def _blame_step(
    moved: list[Any],
    parameters: list[Any],
    x: Any,
    labels: Any,
    rows: list[int],
    at: int,
    step: float,
    slopes: list[Any],
) -> None:
    from labsupport.lessons.cases.epochs_301 import gradients

    expected = "each parameter moves by -step times its gradient"
    if all(not each.any() for each in moved):
        raise Fail("no parameter moved", expected, "`parameter = parameter - ...` makes a new array: `-=` changes the network's own. Or `backward` was not called")  # fmt: skip
    twice = gradients(parameters, x, labels[rows], twice=True)[1]
    unsorted = gradients(parameters, x, labels[at : at + len(rows)])[1]
    for slope, cause in [
        ([-each for each in slopes], "uphill: the step goes *against* the gradient"),
        (twice, "`cross_entropy` takes scores and has the softmax in it: this is softmax twice"),
        (unsorted, "the rows were shuffled and the labels were not: the pictures have other pictures' labels"),
        ([each * len(rows) for each in slopes], "the gradient is that of a mean already: nothing to multiply"),
        ([each / len(rows) for each in slopes], "the gradient is that of a mean already: nothing to divide"),
    ]:
        if _same(moved, [-step * each for each in slope]):
            raise Fail("a step along another gradient", expected, cause)
    raise Fail(
        "a step along another gradient", expected, question="which scores and which labels does the gradient come from?"
    )


@exercises.check(
    "4",
    "A size that is paid for",
    hints=(
        "Three questions, in this order: which sizes keep both budgets? Which of *them* is best on average? Which are not clearly worse than that one?",
        "`runs = table.filter(like='seed_')`. For a size: `gap = best - runs.loc[size]`, seed by seed; its mean, and its standard error `gap.std(ddof=1) / sqrt(len(gap))`.",
        "Memory: 784 inputs, 10 outputs, a bias for each output of a stage, 4 bytes a number, two copies. Then take the fewest parameters among what is left.",
    ),
    minutes=9,
)
def choose(answer: Guarded) -> str:
    """Offer tables in which each forgotten rule would choose another size, in another order and under another index."""
    pick = expect.function(answer)
    tables = [(table, megabytes, microseconds) for table, megabytes, microseconds in sizes_301.tables_of_sizes()]
    for table, megabytes, microseconds in tables:
        given = expect.returned(pick(table, megabytes, microseconds), "the hidden widths of a size, such as (128, 64)")
        try:
            saw = tuple(int(width) for width in given)
        except (TypeError, ValueError):
            raise Fail(f"`{given!r:.40}`", "the hidden widths of a size, such as (128, 64)", "return the value in the column `hidden`, not the row or its place") from None  # fmt: skip
        want = sizes_301.chosen(table, megabytes, microseconds)
        where = f"{megabytes} MB, {microseconds} µs"
        if saw not in set(table["hidden"]):
            raise Fail(
                f"{saw} for {where}", f"one of {', '.join(map(str, table['hidden']))}", "that size is not on offer"
            )
        if saw != want:
            raise Fail(f"{saw} for {where}", f"{want}", sizes_301.mistake(saw, want, table, megabytes, microseconds))
    return f"Right for {len(tables)} tables."


@exercises.refute(
    "5",
    "Dropout does no harm on unseen pictures",
    case="a pair (rate in percent from 1 to 60, epochs from 1 to 40)",
    hints=(
        "Dropout removes a part of the signal. When would a network rather have all of it?",
        "A network that has not learnt its examples by heart has nothing to be kept from. Which number decides how far it gets?",
        "Fewer epochs, and a rate at which more is missing: try 40 % and a dozen of them or less.",
    ),
    minutes=5,
    seconds=45.0,
)
def dropout_costs_nothing(case: Any) -> Measured:
    """Train with and without on 1,000 pictures, six seeds in pairs; it fails when the interval (95 %, Student's t) lies below 0."""
    if not isinstance(case, list | tuple | np.ndarray) or len(case) != 2:
        raise OutsideRules("a case is a pair such as (20, 40)")
    rate, epochs = whole_number(case[0], 1, 60, "a rate in percent"), whole_number(case[1], 1, 40, "a number of epochs")
    with_it, without = _accuracies(rate, epochs), _accuracies(0, epochs)
    gain = 100 * (with_it - without)
    # Student's t for six seeds: 97.5 % lie below.
    half = 2.571 * gain.std(ddof=1) / np.sqrt(len(gain))
    numbers = f"{gain.mean():+.1f} points on unseen pictures ({gain.mean() - half:+.1f} to {gain.mean() + half:+.1f}), {rate} % over {epochs} epochs, six seeds"
    return Measured(not gain.mean() + half < 0, numbers)


@lru_cache(maxsize=64)
def _accuracies(rate: int, epochs: int) -> np.ndarray:
    from threadpoolctl import threadpool_limits

    from labsupport.dl.fashion import fashion_mnist
    from labsupport.dl.training import NeuralClassifier

    pictures, _ = fashion_mnist()
    parts = (pictures[:1000], pictures[8000:])
    own, unseen = ((part.images.reshape(len(part), -1) / np.float32(255), part.labels) for part in parts)
    learners = [NeuralClassifier(dropout=rate / 100, epochs=epochs, batch=32, seed=seed) for seed in range(20, 26)]
    # Products this small take longer on several threads.
    with threadpool_limits(1):
        return np.array([each.fit(*own).score(*unseen) for each in learners])


exercises.quiz(
    "a",
    "A 784-128-10 network with a ReLU after the 128 is to become smaller. A colleague puts 8 units *without* a bend between the 128 and the 10. What is lost in what it can express?",
    ("Nothing: without a bend the last two layers are one, as if nobody had inserted it.", False, "They do multiply to one matrix of 128 x 10. But every sum goes through 8 numbers, so not each such matrix can be reached."),
    ("Perhaps a little: its ten scores are mixtures of eight numbers.", True, "One matrix, but of rank 8 at most. That may do for ten digits, since a part of what 128 units say is the same. It is a real limit all the same."),
    ("Nearly all: one layer without a bend makes the whole network a linear model.", False, "The ReLU after the 128 is still there, and bends. Linear it would be if *no* layer bent."),
    ("Nothing, it can do more than before: each further layer builds on the last.", False, "Depth pays through what bends between the layers. A sum of sums can do nothing that one sum could not."),
)  # fmt: skip
exercises.quiz(
    "b",
    "After 10 epochs a network is right on 71 % of its own pictures and on 70 % of the unseen ones; both still rise by a point an epoch. A linear model has 84 %. What do you do first?",
    ("Add dropout: 70 % on unseen pictures is poor, and the gap will grow.", False, "Dropout is against learning by heart. Here what is learnt carries over almost whole; there is only too little of it."),
    ("Collect more pictures, since it is wrong on 30 % of those that are new.", False, "More of what it already fails on. It can't even do the pictures that it has."),
    ("Take a larger network: this one has reached what it can do.", False, "Both curves still rise, so it has not reached anything yet. Size is the next question, not the first."),
    ("Train longer, or with a larger step: it has hardly begun.", True, "Look at the inputs' scale, too. No gap and a low level: it underfits. And a network below the linear model that it contains is a sign of training, not of size."),
)  # fmt: skip
exercises.quiz(
    "c",
    "Your gradients agree with finite differences to 1e-9 in float64. In production the network trains in float32, and its accuracy stays at 10 %. Which suspicion has the check *not* cleared?",
    ("A factor is missing in the backward pass of one stage.", False, "Differences ask the forward pass itself, so a missing factor shows in the first digit."),
    ("A bias gets the mean of its gradients instead of the sum.", False, "Biases are parameters: the check moves each of them, too."),
    ("The loss is computed from the wrong labels.", True, "Then loss and gradient are wrong together and agree perfectly. The check compares the backward pass with the forward pass, not with what you meant."),
    ("The ReLU lets a gradient through where nothing went forward.", False, "That is a difference between forward and backward pass, just what is compared."),
)  # fmt: skip
exercises.quiz(
    "d",
    "Traffic grows tenfold. A pod answers one picture per call with the 784-128-64-10 network, and a call takes 50 times as long as its multiplications. What helps most?",
    ("A network of half the size.", False, "It halves a fiftieth of the time. The parameters are not what the call waits for."),
    ("Weights in float16: half of the memory to read.", False, "The weights take 0.4 MB and are in the cache already; again only that fiftieth gets shorter."),
    ("Dropout at inference: a part of the units need not be computed.", False, "It would give random answers, and computes everything anyway before it throws a part away."),
    ("Answer several pictures in one call.", True, "The fixed price of a call is shared by its pictures, until the arithmetic is what takes the time. 604 builds that."),
)  # fmt: skip
