"""Lesson 302, activations and what to monitor in them: checkers, hints, guesses and quiz."""

from typing import TYPE_CHECKING, Any

import numpy as np

from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail
from labsupport.exercises.refute import Measured, OutsideRules, whole_number
from labsupport.lessons.cases import layers_302

if TYPE_CHECKING:
    import pandas as pd

exercises = Exercises("302")

exercises.guess(
    "g1",
    "How many powers of ten smaller is the first layer's gradient than the eighth's, with sigmoid",
    unit="powers of ten",
)
exercises.guess("g2", "Dead units after three epochs with ten times the step, of all in five layers", unit="%")
exercises.guess("g3", "While the accuracy rises, the number that this callback writes moves by more than 0.01")


@exercises.check(
    "1",
    "How sure, in bits",
    hints=(
        "Take off each row's own largest score before `exp`; the shares do not change by it.",
        "A share can be 0: a class that is ruled out, or one 10,000 behind. 0 · log2(1/0) is nan for NumPy; what should it add?",
        "`-(p * np.log2(p, out=np.zeros_like(p), where=p > 0)).sum(axis=1)` leaves out the shares that are 0.",
    ),
    minutes=8,
)
def bits(answer: Guarded) -> str:
    """Offer small, huge and mixed scores of both signs, ruled-out classes, one class, one row, whole numbers and float32."""
    measure = expect.function(answer)
    rng = np.random.default_rng(302)
    inf = np.inf
    cases = [
        ("small scores", rng.normal(size=(6, 5))),
        ("equal scores", np.full((2, 8), 3.0)),
        ("scores of thousands", np.array([[9000.0, 9001, 9000, -9000], [-9000, -9001, -9000, -9500]])),
        ("rows 20,000 apart", np.array([[10_000.0, 9_999, 9_998], [-10_000, -10_001, -9_999], [0, 1, 2]])),
        ("one score far ahead", np.array([[0.0, 2000, 0], [0, 0, 30]])),
        ("classes that are ruled out", np.array([[1.0, -inf, 1.0, -inf], [-inf, -inf, 5.0, -inf]])),
        ("a single row of ten", rng.normal(0, 3, (1, 10))),
        ("a single class", np.array([[4.0], [-7000.0]])),
        ("whole numbers", np.array([[3, 1, 0], [1000, 1000, 999]])),
        ("float32", rng.normal(0, 200, (4, 6)).astype(np.float32)),
    ]
    for what, scores in cases:
        want = _entropy(scores)
        given = measure(scores.copy())
        saw = expect.array(given, want.shape, "the entropy of each row")
        if not np.allclose(saw, want, atol=1e-4, equal_nan=False):
            at = int(np.argmax(~np.isclose(saw, want, atol=1e-4)))
            raise Fail(f"{saw[at]:.4g} for {scores[at].tolist()} ({what})", f"{want[at]:.4g} bits", _mistaken_bits(saw, want, scores))  # fmt: skip
    return f"Right for {len(cases)} tables of scores, ruled-out classes and scores of 10,000 among them."


def _shares(scores: Any) -> Any:
    raised = np.exp(scores - np.max(scores, axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def _entropy(scores: Any) -> Any:
    p = _shares(np.asarray(scores, dtype=float))
    return -(p * np.log2(p, out=np.zeros_like(p), where=p > 0)).sum(axis=1)


def _mistaken_bits(saw: Any, want: Any, scores: Any) -> str:
    ruled_out = np.isneginf(scores).any(axis=1)
    if np.isnan(saw).any():
        lost = _shares(np.asarray(scores, dtype=float)) == 0
        if np.array_equal(np.isnan(saw), lost.any(axis=1)) and (ruled_out.any() or lost.any()):
            return "a share of 0 was handed to the logarithm: 0 times infinity is nan. It adds nothing: leave it out"
        if np.isnan(saw)[np.max(scores, axis=1) > 709].any():
            return "e to the power of 710 is infinite already: take something off the scores before `exp`"
        return (
            "0 by 0: all of this row's powers became 0. Shift each row by its *own* largest score, not by that of all"
        )
    if np.allclose(saw, want * np.log(2), atol=1e-4):
        return "that is in nats: take log2, or divide by log(2)"
    if np.allclose(saw, -want, atol=1e-4):
        return "the sign: a share is below 1, and its logarithm below 0"
    if want[0] > 0 and np.allclose(saw, want / np.log2(max(scores.shape[1], 2)), atol=1e-4):
        return "as a share of the most that is possible; asked are bits"
    if np.allclose(saw, want.mean()) or np.allclose(saw, want.sum()):
        return "one number for all rows: sum over the classes of each row only, axis 1"
    if np.allclose(saw, want / scores.shape[1], atol=1e-4):
        return "that is the mean over the classes: the shares weigh already, so it is a sum"
    with np.errstate(all="ignore"):
        as_it_is = np.exp(np.asarray(scores, dtype=float))
        p = as_it_is / as_it_is.sum(axis=1, keepdims=True)
        if np.allclose(saw, -np.nansum(p * np.log2(p), axis=1), atol=1e-4):
            return "e to the power of 710 is infinite already, and its nan became 0: take each row's largest score off before `exp`"
        one_for_all = np.exp(scores - np.max(scores))
        p = one_for_all / one_for_all.sum(axis=1, keepdims=True)
        if np.allclose(saw, np.nan_to_num(-(p * np.log2(np.where(p > 0, p, 1))).sum(axis=1)), atol=1e-4):
            return "one largest score was taken off the whole table: rows differ, so take off each row's own"
    if np.allclose(saw, _shares(np.asarray(scores, dtype=float)).max(axis=1), atol=1e-4):
        return "that is the largest share; asked is the entropy of all"
    return "write a row of three out by hand: what are its shares, and what is the logarithm of each?"


@exercises.check(
    "2",
    "Dead and saturated",
    hints=(
        "Make a table of it first: `np.reshape(values, (-1, units))`, with the last axis kept. Then a unit is a column.",
        "A unit speaks if *any* of its values is finite and not 0. Dead is what never speaks.",
        "The margin is 0.01 * (high - low), so for tanh 0.02: `(units < low + margin) | (units > high - margin)`.",
    ),
    minutes=8,
)
def silent(answer: Guarded) -> str:
    """Offer dense layers and maps, sparse and constant units, both kinds of ends, negative values, nan and infinity."""
    gauge = expect.function(answer)
    layers = layers_302.layers()
    saw: tuple[list[Any], list[Any]] = ([], [])
    for what, values, ends in layers:
        given = expect.returned(gauge(values.copy(), ends), "(dead, saturated)")
        if not isinstance(given, list | tuple | np.ndarray) or len(given) != 2:
            raise Fail(f"`{given!r:.40}`", "two values, (dead, saturated)", question="which two things are asked for, in which order?")  # fmt: skip
        if ends is None and given[1] is not None:
            raise Fail(f"saturated is {given[1]!r:.20} for {what}", "None", "a ReLU has no upper end: a number here would look as if somebody had measured it")  # fmt: skip
        if given[0] is None or (ends and given[1] is None):
            raise Fail(f"{given!r:.40} for {what}", "two numbers", "None is only for `saturated`, and only where `ends` is None")  # fmt: skip
        saw[0].append(expect.number(given[0], "dead"))
        saw[1].append(None if ends is None else expect.number(given[1], "saturated"))
    for name, given, right, misread in (
        ("dead", saw[0], _dead, DEAD_MISREAD),
        ("saturated", saw[1], _saturated, SATURATED_MISREAD),
    ):
        wanted = _read(right, layers, name)
        if off := [at for at, want in enumerate(wanted) if not _agree(given[at], want)]:
            causes = [cause for cause, read in misread.items() if all(map(_agree, given, _read(read, layers, name)))]
            what, values, ends = layers[off[0]]
            seen = f"{name} is {given[off[0]]:.3f} for {what}, of shape {values.shape}"
            doubt = "take one unit by hand: which of its values must be what, and how many of them?"
            raise Fail(seen, f"{wanted[off[0]]:.3f}", causes[0] if causes else "", question="" if causes else doubt)
    return f"Right for {len(layers)} layers, dense ones and maps."


Ends = tuple[float, float]


def _agree(one: float | None, other: float | None) -> bool:
    return one is other if one is None or other is None else expect.close(one, other, 1e-6)


def _read(read: Any, layers: list[tuple[str, Any, Ends | None]], name: str) -> list[float | None]:
    """Return what somebody who reads the task in this way would say of each layer."""
    with np.errstate(all="ignore"):
        if name == "dead":
            return [float(read(v)) for _, v, _ in layers]
        return [None if ends is None else float(read(v, *ends, 0.01 * (ends[1] - ends[0]))) for _, v, ends in layers]


def _units(values: Any) -> Any:
    return values.reshape(-1, values.shape[-1])


def _mute(values: Any) -> Any:
    return ~np.isfinite(values) | (values == 0)


def _near(v: Any, low: float, high: float, m: float) -> Any:
    return (v < low + m) | (v > high - m)


def _dead(v: Any) -> Any:
    """Return the share of units, the last axis, from which nothing but 0 or no finite number comes."""
    return _mute(_units(v)).all(axis=0).mean()


def _saturated(v: Any, low: float, high: float, m: float) -> Any:
    """Return the share of values within `m` of an end."""
    return _near(v, low, high, m).mean()


DEAD_MISREAD = {
    "that is the share of *values* that are 0; a unit is dead when it never says anything else": lambda v: (v == 0).mean(),
    "that is the share of *values* that say nothing; a unit is dead when it never says anything": lambda v: _mute(v).mean(),
    "a unit that is 0 for one example is only quiet: dead is one that is 0 for all": lambda v: (_units(v) == 0).any(axis=0).mean(),
    "these are examples that no unit answers to: the units are the last axis": lambda v: (_units(v) == 0).all(axis=1).mean(),
    "that is the share that lives": lambda v: 1 - _dead(v),
    "that is the count: divide by the number of units": lambda v: _mute(_units(v)).all(axis=0).sum(),
    "a unit from which only nan or infinity comes says nothing, either: `nan == 0` is False, and so it looked alive": lambda v: (_units(v) == 0).all(axis=0).mean(),
    "infinity is no finite number, either": lambda v: ((_units(v) == 0) | np.isnan(_units(v))).all(axis=0).mean(),
    "a unit below 0 speaks, too: not every activation ends at 0": lambda v: (~np.isfinite(_units(v)) | (_units(v) <= 0)).all(axis=0).mean(),
    "0 as the largest value is not nothing but 0: what is below 0 speaks, too": lambda v: (np.where(np.isfinite(_units(v)), _units(v), 0).max(axis=0) == 0).mean(),
    "a sum of 0 is not the same as nothing but 0": lambda v: (np.where(np.isfinite(_units(v)), _units(v), 0).sum(axis=0) == 0).mean(),
    "one nan among numbers does not make a unit dead: some finite number came": lambda v: (~np.isfinite(_units(v)).all(axis=0) | (_units(v) == 0).all(axis=0)).mean(),
    "nothing but 0, or nothing finite: a unit of some 0 and some nan is silent, too": lambda v: ((_units(v) == 0).all(axis=0) | ~np.isfinite(_units(v)).any(axis=0)).mean(),
    "in maps a unit is a channel: it is dead when it is silent at *all* places of all examples": lambda v: _mute(v).all(axis=0).mean(),
}  # fmt: skip
SATURATED_MISREAD = {
    "a hundredth *of the way between the ends*: for tanh, from -1 to 1, that is 0.02": lambda v, low, high, m: _near(v, low, high, 0.01).mean(),
    "only the upper end was looked at": lambda v, low, high, m: (v > high - m).mean(),
    "only the lower end was looked at": lambda v, low, high, m: (v < low + m).mean(),
    "that is a margin of a fiftieth of the way": lambda v, low, high, m: _near(v, low, high, 2 * m).mean(),
    "that is a margin of a two-hundredth of the way": lambda v, low, high, m: _near(v, low, high, m / 2).mean(),
    "`abs` works for ends that lie on both sides of 0, at the same distance, only": lambda v, low, high, m: (abs(v) > high - m).mean(),
    "that is the share of *units* that are saturated for all; asked is that of the values": lambda v, low, high, m: _near(_units(v), low, high, m).all(axis=0).mean(),
    "that is the share of *units* that are saturated once; asked is that of the values": lambda v, low, high, m: _near(_units(v), low, high, m).any(axis=0).mean(),
    "that is the share that is not saturated": lambda v, low, high, m: 1 - _near(v, low, high, m).mean(),
    "that is the count: divide by the number of values": lambda v, low, high, m: _near(v, low, high, m).sum(),
    "a sigmoid never quite arrives at its end: near counts": lambda v, low, high, m: ((v == low) | (v == high)).mean(),
}  # fmt: skip


@exercises.check(
    "3",
    "By its gauges alone",
    hints=(
        "Walk from the first layer to the last and compare each `rms` with that of the layer before it; the pictures have 0.46. The first jump is the fault.",
        "ReLU with a bias far below 0: `dead` near 1. A tanh has no `dead`; its `mean` goes to -1 instead. Look for this first: its rms jumps, too.",
        "A tanh with large weights can't grow beyond 1: its `saturated` share jumps from about 0 to a third or more.",
    ),
    minutes=10,
    seconds=20.0,
)
def diagnose(answer: Guarded) -> str:
    """Show it starts of new networks of both kinds: sound ones, and each fault in the first, a middle and the last layer."""
    read = expect.function(answer)
    cases = _gauges()
    for activation, fault, layer, gauges in cases:
        want = None if fault == "none" else (layer, fault)
        saw = _verdict(read(gauges.copy()))
        if saw != want:
            shown = "None" if saw is None else f"({saw[0]}, {saw[1]!r})"
            where = f"a {activation} network of {len(gauges)} layers"
            raise Fail(f"{shown} for {where}", "None" if want is None else f"({want[0]}, {want[1]!r})", _mistaken_layer(saw, want, activation, gauges))  # fmt: skip
    return f"Right for {len(cases)} starts, {sum(fault == 'none' for _, fault, _, _ in cases)} of them sound."


FAULTS = ("small", "large", "bias")


def _verdict(given: Any) -> tuple[int, str] | None:
    if given is None:
        return None
    wanted = '(layer, fault) such as (3, "small"), or None'
    if isinstance(given, str) or not isinstance(given, list | tuple | np.ndarray) or len(given) != 2:
        raise Fail(f"`{given!r:.40}`", wanted, question="is it a layer together with a fault?")
    try:
        layer = int(given[0])
    except (TypeError, ValueError):
        raise Fail(f"`{given!r:.40}`", wanted, "the layer comes first, as its number in the index") from None
    if str(given[1]) not in FAULTS:
        raise Fail(f"the fault `{given[1]!r:.30}`", wanted, 'a fault is "small", "large" or "bias"')
    return layer, str(given[1])


_tables: "list[tuple[str, str, int, pd.DataFrame]]" = []


def _gauges() -> "list[tuple[str, str, int, pd.DataFrame]]":
    from labsupport.dl.fashion import fashion_mnist
    from labsupport.dl.starts import mystery
    from labsupport.monitoring.activations import frame, watch

    if _tables:
        return _tables
    pictures, _ = fashion_mnist()
    x = pictures.images[:256].reshape(256, -1) / np.float32(255)
    labels = pictures.labels[:256].astype(int)
    plan = [(kind, "none", 1, hidden) for kind in ("relu", "tanh") for hidden in (4, 6, 8)]
    plan += [(kind, fault, layer, 5) for kind in ("relu", "tanh") for fault in FAULTS for layer in (1, 3, 5)]
    for number, (kind, fault, layer, hidden) in enumerate(plan):
        network = mystery(kind, fault, layer, seed=700 + number, hidden=hidden)
        _tables.append((kind, fault, layer, frame(watch(network, kind, x, labels))))
    # Neither all sound ones nor all of one kind come first: a diagnosis should speak of what is missing.
    order = np.random.default_rng(302).permutation(len(_tables))
    _tables[:] = [_tables[at] for at in order]
    return _tables


def _mistaken_layer(
    saw: tuple[int, str] | None, want: tuple[int, str] | None, activation: str, gauges: "pd.DataFrame"
) -> str:
    other = "dead" if activation == "tanh" else "saturated"
    if want is None:
        sizes = ", ".join(f"{each:.2f}" for each in gauges["rms"])
        return (
            f"this start is sound. Its rms, layer by layer: {sizes}. How much may a layer differ from the one before?"
        )
    if saw is None and activation == "tanh" and want[1] == "large":
        jump = gauges["rms"][want[0]] / gauges["rms"].get(want[0] - 1, 0.46)
        return f"large weights press values to both ends, where they stop: a tanh can't grow beyond 1, and its rms only {jump:.1f} times here. Which other column jumps, where few values lay near an end?"
    if saw is None:
        return f"something is wrong here. (`{other}` is nan for {activation}; every comparison with nan is False.) Which column jumps, and where first?"
    if saw[0] == want[0] - 1 and want[0] > 1:
        return "one layer too early: rows are numbered from 1, as in the index"
    if saw[0] < want[0]:
        size, before = gauges["rms"].get(saw[0], 0.46), gauges["rms"].get(saw[0] - 1, 0.46)
        return f"layer {saw[0]} lies in front of the bad one: its rms, {size:.2f} after {before:.2f}, is usual. (In front of a bad layer *gradients* are odd, values are not)"
    if saw[0] > want[0]:
        return "the fault begins earlier: layers behind a bad one get its values and look bad as well"
    if want[1] == "bias":
        return f"the right layer. But {'its units are dead, which small weights alone never do' if activation == 'relu' else 'its mean is -1, not around 0: large weights press to both ends, a bias to one'}"
    if want[1] == "large":
        return f"the right layer. Its rms is {gauges['rms'][want[0]]:.2f}{', and a third or more of its values are saturated at *both* ends' if activation == 'tanh' else ''}: what does that?"
    return f"the right layer. Its rms is {gauges['rms'][want[0]]:.3f}: what makes values small and kills nobody?"


SEEDS = range(300, 304)


@exercises.refute(
    "4",
    "Of two starts of a network, the one with more saturated values learns less",
    case="(activation, hidden layers, spread): sigmoid or tanh, 1 to 8, and a factor on the usual weights from 0.1 to 20",
    hints=(
        "When would values near the ends be the smaller evil? Which of the two kinds learnt nothing with the usual weights?",
        "The gradient is a product of weights and slopes. Where slopes are small from the beginning, larger weights can make up for them.",
        "A sigmoid of six layers, and weights four to ten times as large.",
    ),
    minutes=6,
    seconds=60.0,
)
def more_saturated_learns_less(case: Any) -> Measured:
    """Train from both starts, four seeds in pairs; it fails when the one with more saturation is ahead beyond chance (95 %, Student's t)."""
    from labsupport.dl.starts import saturation_and_accuracy

    if not isinstance(case, list | tuple | np.ndarray) or len(case) != 3:
        raise OutsideRules('a case is a triple such as ("tanh", 6, 8)')
    kind, hidden, spread = str(case[0]), whole_number(case[1], 1, 8, "the number of layers"), case[2]
    if kind not in ("sigmoid", "tanh"):
        raise OutsideRules(f"the activation is sigmoid or tanh, this is {kind!r:.20}")
    try:
        factor = round(float(spread), 3)
    except (TypeError, ValueError):
        factor = float("nan")
    if isinstance(spread, bool) or not 0.1 <= factor <= 20:
        raise OutsideRules(f"the spread is a number from 0.1 to 20, this is {spread!r:.20}")
    usual = np.array([saturation_and_accuracy(kind, hidden, 1.0, seed) for seed in SEEDS])
    other = np.array([saturation_and_accuracy(kind, hidden, factor, seed) for seed in SEEDS])
    told = f"saturated {100 * usual[:, 0].mean():.1f} % and {100 * other[:, 0].mean():.1f} %"
    more, less = (other, usual) if other[:, 0].mean() > usual[:, 0].mean() else (usual, other)
    if more[:, 0].mean() - less[:, 0].mean() < 0.01:
        raise OutsideRules(f"{told}: the two starts must differ by a percent or more")
    gap = 100 * (more[:, 1] - less[:, 1])
    # Student's t for four seeds: 97.5 % lie below.
    half = 3.182 * gap.std(ddof=1) / 2
    numbers = f"usual weights and {factor:g} times those: {told}, right {100 * usual[:, 1].mean():.0f} % and {100 * other[:, 1].mean():.0f} %; more saturated minus less: {gap.mean():+.0f} points ({gap.mean() - half:+.0f} to {gap.mean() + half:+.0f})"
    return Measured(not gap.mean() - half > 0, numbers)


exercises.quiz(
    "a",
    "A chain of ten sigmoid layers does not learn: the first layer's gradient is 100,000 times smaller than the last's. A colleague proposes a step 100,000 times as long, for all layers. What happens?",
    ("It learns: the first layers now take steps of the usual size, which is what was missing.", False, "They do. But the same step goes to the last layers, whose gradient was fine: they are thrown out of reach at the first step."),
    ("Nothing changes: a small gradient has the wrong direction, too.", False, "Its direction is right, only its size is lost. (In float32 a much smaller one would round to 0, too.)"),
    ("The last layers are thrown far away at once, and all that the first ones learn from is lost.", True, "One step for gradients of such different size fits nobody. A step of its own for each weight helps (305), a bend with a larger slope cures."),
    ("All sigmoids saturate at once, which makes up for the small gradient.", False, "The last ones do saturate, and then still less comes back through them."),
)  # fmt: skip
exercises.quiz(
    "b",
    "Since Monday the dashboard shows 40 % dead units in each layer instead of 10 %; loss and accuracy are as before. On Monday the probe moved from a file of 500 mixed examples to \"the last 20 requests\". What do you do first?",
    ("Ask the weights of Monday and of last week the same 500 examples.", True, "One change at a time. Twenty requests of one afternoon leave many units silent that speak for others, and no loss would notice."),
    ("Roll back: dead units never come back, and the loss will follow.", False, "Possible, but it treats a number whose measurement changed the same day. Measure first; the old probe is a file away."),
    ("Lower the learning rate of the next training, since long steps kill ReLUs.", False, "They do, but in training; these 40 % came with another probe, and the loss is as before."),
    ("Nothing: recent requests are what matters, so 40 % is the truth.", False, "Recent ones matter for drift (610). For *dead* a unit must be silent for everything, and twenty examples can't say that."),
)  # fmt: skip
exercises.quiz(
    "c",
    "An exporter computes the dead share as `(values == 0).all(axis=0).mean()`; the alert is `dead > 0.5`. In the night the training explodes, and all values are nan. What does on-call see?",
    ("The alert: a network of nan gives out nothing, so all units count as dead.", False, "That is what should happen. But `nan == 0` is False: each unit counts as alive."),
    ("A gauge of nan, and the alert fires, since nan is not below 0.5.", False, "The mean of False is 0, so the gauge is not nan. And were it nan: `nan > 0.5` is false as well, and no alert would fire."),
    ("A gap: Prometheus drops nan, and `absent()` would fire.", False, "Prometheus keeps nan like any value; and here the gauge is not nan at all."),
    ("Silence: the dead share falls to 0, the best value that it ever had.", True, "Comparisons with nan are false. Count what is *finite and not 0* as alive, and let everything else be dead."),
)  # fmt: skip
exercises.quiz(
    "d",
    "A tanh network in production: layer 3 has 50 % saturated values since its first training. All layers' gradients are of the same size, validation loss is as good as ever. Somebody wants a page at 30 % saturation. Your answer?",
    ("Agreed, but at 60 %: the limit must lie above what is normal.", False, "Then it is quiet today, and still pages for something that may not hurt anybody."),
    ("Page on the loss; show saturation and gradient by layer on the dashboard behind it.", True, "A page needs a symptom that somebody suffers from. The gauges then say where to look, and here they say that all is well."),
    ("Agreed: with a slope of nearly 0 half of layer 3 can't learn any more.", False, "Half of its *values* have a small slope, not half of its units; for other examples the same units move. And enough gradient arrives."),
    ("Shrink layer 3's weights until the share is below 30 %, then no page is needed.", False, "It mends a number and changes a network that works. A tanh near its end may be a decision that it has learnt."),
)  # fmt: skip
