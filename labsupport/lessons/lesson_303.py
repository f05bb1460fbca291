"""Lesson 303, convolution: checkers, hints, guesses and quiz."""

from functools import cache
from typing import Any

import numpy as np

from labsupport.exercises import Measured, expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail
from labsupport.exercises.refute import OutsideRules

exercises = Exercises("303")

exercises.guess("g1", "Accuracy of the flatten CNN when pictures stand four pixels off", unit="%")
exercises.guess(
    "g2",
    "Moved by four pixels, the MLP trained on scattered pictures beats the pooling CNN trained on centred ones beyond chance",
)
exercises.guess("g3", "The pooling CNN, with a fourteenth of the MLP's parameters, needs fewer multiplications than the MLP")  # fmt: skip

# The heatmaps of 303.1, and how many of them the filter must read rightly.
MAPS, ENOUGH = 40, 37


@exercises.check(
    "1",
    "A filter for a step of all pods",
    hints=(
        "The answer is a sum of products. It should be large where the minutes on the right are higher than those on the left.",
        "Weights that add up to 0 don't mind how slow a pod always is. More pods and more minutes average noise and pauses out.",
        "Left half -1, right half +1, for all eight pods: `np.hstack([-np.ones((8, 4)), np.ones((8, 4))])`.",
    ),
    minutes=6,
)
def step_filter(answer: Any) -> str:
    """Slide the filter over heatmaps of other seeds; a minute beside the true one counts as found."""
    from labsupport.dl.heatmaps import MINUTES, PODS

    given = np.asarray(expect.returned(answer, "a table of weights"))
    if given.ndim != 2:
        raise Fail(
            f"{given.ndim} dimensions", "2, pods by minutes", "a filter is a table: rows are pods, columns are minutes"
        )
    filter_ = expect.array(answer, given.shape, "the filter")
    rows, columns = filter_.shape
    if not (1 <= rows <= PODS and 1 <= columns <= 20):
        raise Fail(
            f"a filter of {rows} x {columns}",
            f"at most {PODS} pods by 20 minutes",
            "rows are pods and columns are minutes: turn it by a quarter"
            if columns <= PODS < rows <= 20
            else "it must fit into a map, with room to slide",
        )
    right = _found(filter_)
    if right >= ENOUGH:
        return f"{right} of {MAPS} steps found, beside pauses, drifts, falls, and a pod that is always slower."
    saw, wanted = f"{right} of {MAPS} steps found", f"at least {ENOUGH}"
    if np.ptp(filter_) == 0:
        raise Fail(
            saw, wanted, "all weights are alike: that is a mean, and it finds where latency is high, not where it rises"
        )
    if _found(-filter_) >= ENOUGH:
        raise Fail(saw, wanted, "its sign is turned round: it finds falls. Plus belongs to the minutes after the step")
    if abs(filter_.sum()) > 0.02 * np.abs(filter_).sum():
        raise Fail(
            saw, wanted, f"the weights add up to {filter_.sum():.3g}: with a sum other than 0 a high level answers, too"
        )
    if np.abs(filter_.sum(axis=0)).max() < 0.02 * np.abs(filter_).sum():
        raise Fail(saw, wanted, "it compares pods, not minutes: each column adds up to 0. Turn it by a quarter")
    for beside in (*range(-8, -1), *range(2, 9)):
        if _found(filter_, beside) >= ENOUGH:
            side = "late" if beside > 0 else "early"
            cause = f"it finds the step, {abs(beside)} minutes {side}: the answer counts for the filter's middle, so the jump of the weights belongs there"
            raise Fail(saw, wanted, cause)
    if rows < PODS / 2 or columns < MINUTES / 15:
        few = " and ".join(
            [f"{rows} of {PODS} pods"] * (rows < PODS / 2) + [f"{columns} minutes"] * (columns < MINUTES / 15)
        )
        raise Fail(saw, wanted, f"it looks at {few}: noise and a single pause shout louder than the step")
    if _found(filter_, within=5) >= ENOUGH:
        raise Fail(saw, wanted, "it finds the step, but not to a minute: some minutes beside it the answer is nearly as high. Let the weights jump in the middle")  # fmt: skip
    raise Fail(
        saw, wanted, question="what does your filter answer to a step, a pause in one pod, and a level that is high?"
    )


def _found(filter_: Any, beside: int = 0, within: int = 1) -> int:
    from labsupport.dl.heatmaps import found, heatmap

    maps = (heatmap(seed) for seed in range(MAPS))
    return sum(abs(found(map_, filter_) - minute - beside) <= within for map_, minute in maps)


# What 303.2 may cost and must see.
PARAMETERS, PRODUCTS, SIGHT = 25_000, 1_000_000, 14


@exercises.check(
    "2",
    "A chain under a budget",
    hints=(
        "Where do S14's parameters sit? Which layer makes a row of any number of places without learning a weight for each?",
        'A second `("pool",)` doubles what each later place sees, and quarters the multiplications behind it.',
        "For example 16 filters, pool, 32 filters, pool, 64 filters, mean, dense 10. `sight` and `costs` tell what it costs.",
    ),
    minutes=8,
)
def chain(answer: Any) -> str:
    """Reckon the chain's shapes, costs and sight, and hold them against the budget."""
    from labsupport.dl.convolution import costs, sight

    layers = _layers(answer)
    try:
        told = costs(layers)
    except ValueError as reason:
        raise Fail(str(reason), "layers that fit each other", "print the shape before this layer") from None
    parameters, products, seen = sum(one.parameters for one in told), sum(one.products for one in told), sight(layers)
    numbers = f"{parameters:,} parameters, {products:,} multiplications, a sight of {seen} pixels"
    convolutions = [layer for layer in layers if layer[0] == "conv"]
    if told[-1].shape != (10,) or layers[-1][0] != "dense":
        raise Fail(f"a last layer {layers[-1]!r}", "('dense', 10)", "ten classes need ten scores at the end")
    if not convolutions or convolutions[-1][1] < 32:
        raise Fail(
            f"{convolutions[-1][1] if convolutions else 0} filters at last",
            "32 or more",
            "the scores are made of the last maps: few of them can tell little",
        )
    if parameters > PARAMETERS:
        worst = max(zip(told, layers, strict=True), key=lambda pair: pair[0].parameters)
        raise Fail(
            numbers,
            f"at most {PARAMETERS:,} parameters",
            f"{worst[1]!r} has {worst[0].parameters:,} of them: "
            + (
                "fewer filters, smaller ones, or fewer channels before it"
                if worst[1][0] == "conv"
                else "what does it read?"
            ),
        )
    if products > PRODUCTS:
        worst = max(zip(told, layers, strict=True), key=lambda pair: pair[0].products)
        raise Fail(
            numbers,
            f"at most {PRODUCTS:,} multiplications",
            f"{worst[1]!r} costs {worst[0].products:,}: fewer filters before it, or fewer places",
        )
    if seen < SIGHT:
        raise Fail(
            numbers,
            f"a sight of {SIGHT} or more",
            "no place of the last map sees the whole thing: what widens the sight of later layers?",
        )
    return numbers + "."


def _layers(answer: Any) -> list[tuple[Any, ...]]:
    expect.returned(answer, "a list of layers")
    wanted = 'a list such as [("conv", 16, 3), ("pool",), ..., ("dense", 10)]'
    if not isinstance(answer, list | tuple) or not answer:
        raise Fail(f"`{answer!r:.40}`", wanted, "one tuple a layer, in a list")
    known = {"conv": (2, 4), "pool": (0, 0), "flatten": (0, 0), "mean": (0, 0), "dense": (1, 1)}
    layers = []
    for layer in answer:
        one = (layer,) if isinstance(layer, str) else tuple(layer) if isinstance(layer, list | tuple) else (None,)
        kind, options = (one[0], one[1:]) if one else (None, ())
        if kind not in known or not known[kind][0] <= len(options) <= known[kind][1]:
            raise Fail(
                f"`{layer!r:.40}`",
                wanted,
                'a layer is its kind and its numbers, as in the table above; `("pool")` lacks a comma',
            )
        sides = options[:3] if kind == "conv" else options
        whole = all(isinstance(each, int | np.integer) and not isinstance(each, bool) and each > 0 for each in sides)
        if not whole or (kind == "conv" and options[3:] not in ((), ("valid",), ("same",))):
            raise Fail(f"`{layer!r:.40}`", wanted, 'sizes are whole numbers above 0, padding is "valid" or "same"')
        layers.append(one)
    return layers


CLUES = {
    "flipped": "Hand it one bright pixel and a filter that is not the same turned by half: which way round does the filter come back?",
    "stride": "At a stride of 1 it is sound. Which place does the first number belong to at a stride of 2 or 3?",
    "channels": "With one channel it is sound. Hand it two channels and a filter that reads only one of them.",
}


@exercises.check(
    "3",
    "The fault, by its maps",
    hints=(
        "Each fault hides in some trials: symmetrical filters hide a flip, a stride of 1 hides the start, one channel hides their order.",
        "Three trials against `convolve`: one channel at stride 1, one channel at stride 2, two channels at stride 1. The first shows only a flip.",
        "`wrong = not np.allclose(slide(images, filters, 1), convolve(images, filters))`, with random images and filters of 3 x 3.",
    ),
    minutes=8,
)
def fault(answer: Guarded) -> str:
    """Hand over eight programs, sound and broken, in an order that tells nothing."""
    from labsupport.dl.broken_convolutions import KINDS

    name = expect.function(answer)
    said = []
    for at in np.random.default_rng(303).permutation(8):
        truth = list(KINDS)[at % 4]
        given = expect.returned(name(KINDS[truth]), "one of the four names")
        if not isinstance(given, str) or given.strip().lower() not in KINDS:
            raise Fail(
                f"`{given!r:.40}`",
                ", ".join(f'"{kind}"' for kind in KINDS),
                "return one of these texts and nothing else",
            )
        said.append((truth, given.strip().lower()))
    wrong = [pair for pair in said if pair[0] != pair[1]]
    if not wrong:
        return "Eight programs, each named rightly."
    truth, given = wrong[0]
    saw, wanted = f'"{given}" for a program', f'"{truth}"'
    if len({given for _, given in said}) == 1:
        raise Fail(saw, wanted, "the same answer to every program: hand it a picture, and look at what it returns")
    if truth == "none":
        raise Fail(
            saw,
            wanted,
            question="this one is sound: which of your comparisons does it fail, and is your own side of it right?",
        )
    raise Fail(saw, wanted, question=CLUES[truth])


# The networks of 303.4: filters, pooling by two, filters, the mean of each map.
CHAIN = (("conv", 8, 3), ("pool",), ("conv", 16, 3), ("mean",), ("dense", 10))


@exercises.refute(
    "4",
    "Filters, pooling, filters, and the mean of each map: on an empty canvas with room on all sides, a thing gets the same scores, to a thousandth, wherever it stands",
    case="(right, down): by how many pixels the thing moves, each a whole number from -6 to 6",
    hints=(
        "Filters give the same numbers at another place. The mean does not mind the place. Which layer is left?",
        "Pooling takes the largest of *fixed* squares of 2 x 2. When does a moved thing fall into other squares?",
        "Look at the curve: is it smooth from pixel to pixel? Try a move of one pixel.",
    ),
    minutes=4,
)
def same_anywhere(case: Any) -> Measured:
    """Ask three networks with weights from chance about three pictures, at two places."""
    from labsupport.dl.shifts import shift

    right, down = _move(case)
    images, networks = _things()
    apart = []
    for network in networks:
        before, after = (
            network.forward(seen[..., None].astype(np.float32) / 255) for seen in (images, shift(images, right, down))
        )
        apart.append(float(np.abs(after - before).max() / np.ptp(before)))
    numbers = f"in three networks the scores differ by {min(apart):.2g} to {max(apart):.2g} of their range"
    return Measured(min(apart) < 1e-3, numbers)


@cache
def _things() -> tuple[Any, list[Any]]:
    from labsupport.dl.convolution import network_of, random_weights
    from labsupport.dl.fashion import fashion_mnist
    from labsupport.dl.shifts import small

    images = np.pad(small(fashion_mnist()[1].images[:3]), ((0, 0), (8, 8), (8, 8)))
    networks = [
        network_of(CHAIN, random_weights(CHAIN, np.random.default_rng([303, seed]), (44, 44, 1))) for seed in range(3)
    ]
    return images, networks


def _move(case: Any) -> tuple[int, int]:
    pair = case.tolist() if isinstance(case, np.ndarray) else case
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise OutsideRules(f"a case is two whole numbers, (right, down), this is {case!r:.30}")
    whole = []
    for one in pair:
        number = one.item() if isinstance(one, np.generic) else one
        if isinstance(number, bool) or not isinstance(number, int | float) or not float(number).is_integer():
            raise OutsideRules(f"pixels are whole numbers, this is {one!r:.30}")
        if abs(number) > 6:
            raise OutsideRules(f"a move is from -6 to 6, so that it stays on the canvas; this is {one!r:.30}")
        whole.append(int(number))
    return whole[0], whole[1]


exercises.quiz(
    "a",
    "A team classifies screenshots of dashboards: is the red lamp the one of the database (always top left) or of the cache (always bottom right)? The lamps look alike. They take the pooling CNN, \"since it holds under shifts\". What will it learn?",
    ("It will be the best of the three: the lamp is small, and filters find small things anywhere.", False, "Finding is not the problem. After the mean nobody knows where it was found, and where is the whole question."),
    ("Little: both lamps leave the same maps but for the place, and the mean throws the place away.", True, "What holds under shifts can't tell two things that differ by a shift. Here the flatten CNN, or plain columns, are right."),
    ("It learns the place from the edges of the maps, as long as there are enough filters.", False, "Borders leak a little of the place with padding, when things stand near them. That is a weak and brittle clue to build on."),
    ("It needs scattered pictures in training, then it learns the difference.", False, "Scattering would destroy the only difference there is: the place."),
)  # fmt: skip
exercises.quiz(
    "b",
    "A phone has memory for 50,000 parameters, and too slow a processor. Somebody replaces the dense layers behind the maps by a mean. What does that do to the time for one picture?",
    ("Little: most of the work is in the convolutions.", True, "Few parameters, used hundreds of times. To save time, make fewer places (pooling, stride) or fewer filters."),
    ("It falls as the parameters do: one multiplication each.", False, "That is the budget of memory. A filter's weight is multiplied at every place, a dense layer's once."),
    ("It rises, because a mean reads every place of every map.", False, "It reads them once and adds; each place cost hundreds of multiplications to compute."),
    ("It can't be told without a measurement on that very phone.", False, "The number in milliseconds can't. Where most of the work is can be reckoned before, by the formula."),
)  # fmt: skip
exercises.quiz(
    "c",
    "A camera is bolted down over a conveyor, and its pictures are like this lesson's. On two days of a year somebody knocks it off by four pixels, and nobody notices before the evening. Which one do you run?",
    ("The flatten CNN, scattered: it was the best one at four pixels, and those days come.", False, "It is 72 points better on two days and 2 worse on 363. Reckon a year: 85 % against 86 %. Close, but the other camera's two days can be found and ended."),
    ("The pooling CNN, centred: it loses only nine points at four pixels.", False, "On the other 363 days it stands a few points below the flatten CNN, and two days don't pay for that: 82 % a year against 86 %."),
    ("The flatten CNN, centred, and a test of the camera's place each morning.", True, "86 % on 363 days and 12 % on two are 86 % a year. And the two bad days are found by looking where the picture stands, which costs a line, not by a model that forgets the place."),
    ("The MLP, scattered: at four pixels it is level with the pooling CNN, and it is faster.", False, "It is the worst of these four where nothing moves, 72 %, and nobody asked for microseconds."),
)  # fmt: skip
exercises.quiz(
    "d",
    "A filter of 5 x 5 slides over maps of 32 x 32 with stride 2, without padding; then a pooling by 2. How large are the maps, and how many pixels wide does a place of them see?",
    ("7 x 7, and 7 pixels.", True, "(32 - 5) // 2 + 1 = 14, halved 7. Two neighbouring places of the filter are 2 apart: 5 + 2 = 7 pixels."),
    ("8 x 8, and 7 pixels.", False, "That is with \"same\" padding: 32 / 2 = 16, halved 8. Without it the last places do not fit."),
    ("7 x 7, and 10 pixels.", False, "The size is right. But the two places that are pooled overlap: they start 2 pixels apart, not 5."),
    ("7 x 7, and 6 pixels.", False, "The size is right. With a stride of 2 the second place starts two pixels further, not one."),
)  # fmt: skip
