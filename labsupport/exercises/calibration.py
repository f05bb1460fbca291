"""A learner's calibration over the whole course, as text and as a figure, and what a class guessed."""

from collections import Counter
from collections.abc import Iterable, Mapping
from statistics import median
from typing import TYPE_CHECKING, Any

from labsupport.errors import LabsError
from labsupport.exercises import progress
from labsupport.exercises.define import Guess, exercises_of
from labsupport.exercises.guesses import percent, quantity, quantity_as_given
from labsupport.exercises.progress import Entry
from labsupport.exercises.scores import ENOUGH, HELD, Calibration, Share, calibration

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NOTHING_YET = "No guess yet: lessons ask for some by `guess`, before they show a number."
# Beyond this, in halves of an interval's width, the truth is drawn at the edge.
FAR = 3.0


def show_calibration() -> None:
    """Show how well your guesses agree with what came true: as text and, of enough guesses, as a figure."""
    from labsupport import plots

    try:
        found = calibration(progress.read())
    except (OSError, ValueError) as error:
        print(f"Your progress can't be read ({error}).")
        return
    if not _to_draw(found):
        print("\n".join(text(found)))
        return
    plots.show(figure(found), alt_text(found), text(found))


def text(found: Calibration) -> list[str]:
    """Return a calibration in lines; of fewer than five like cases it says nothing."""
    if not found.bits and not found.placed:
        return [NOTHING_YET]
    lines = []
    if found.bits:
        mean = sum(found.bits) / len(found.bits)
        lines.append(
            f"Guesses about {_count(len(found.bits), 'sentence')}: {mean:.2f} bits of surprise each; a coin has 1."
        )
    for level in found.levels:
        if level.is_enough:
            lines.append(f"What you called about {percent(round(level.said, 2))} came true in {_share(level)}.")
    few = sum(level.cases for level in found.levels if not level.is_enough)
    if any(level.is_enough for level in found.levels):
        lines.append("Who calls a sentence 20 % sure calls its opposite 80 % sure, and is counted there.")
    if few:
        lines.append(
            f"{_count(few, 'guess', 'guesses')} of other certainty: fewer than {ENOUGH} alike say nothing yet."
        )
    if found.held:
        lines.append(_intervals(found.held))
    return lines


def alt_text(found: Calibration) -> str:
    """Return what the figure shows, for those who don't see it."""
    parts = []
    levels = [level for level in found.levels if level.is_enough]
    if levels:
        below = sum(level.share < level.said for level in levels)
        parts.append(
            f"{_count(len(levels), 'point')} of what was said against what came true, {below} below the diagonal"
        )
    if found.held and found.held.is_enough:
        parts.append(
            f"{_count(found.held.cases, 'dot')} where the truth lay in each interval, "
            f"{found.held.cases - found.held.true} outside"
        )
    return "; ".join(parts) + "."


def figure(found: Calibration) -> "Figure":
    """Draw what was said against what came true, and where the truth lay in each interval."""
    import matplotlib.pyplot as plt

    parts = _to_draw(found)
    made, axes = plt.subplots(1, len(parts), figsize=(7.0, 3.4), squeeze=False)
    for place, part in zip(axes[0], parts, strict=True):
        if part == "levels":
            _draw_levels(place, [level for level in found.levels if level.is_enough])
        else:
            _draw_intervals(place, found.placed)
    return made


def of_class(learners: Iterable[Mapping[str, Entry]]) -> list[str]:
    """Return what a class guessed next to the truth, two lines a guess, in the order of the course."""
    entries: dict[str, list[Entry]] = {}
    for known in learners:
        for key, entry in known.items():
            if "guess" in entry:
                entries.setdefault(key, []).append(entry)
    lines = []
    for key in sorted(entries, key=_in_order):
        asked = _declared(key)
        if asked is None:
            continue
        truths = Counter(entry["truth"] for entry in entries[key] if "truth" in entry)
        truth = truths.most_common(1)[0][0] if truths else None
        said = [entry["guess"] for entry in entries[key]]
        ends = [guess for guess in said if isinstance(guess, list)]
        if asked.is_sentence and len(ends) < len(said):
            lines += _of_sentence(asked, [guess for guess in said if not isinstance(guess, list)], truth)
        elif ends and not asked.is_sentence:
            lines += _of_number(asked, ends, truth)
    return lines


def _of_sentence(asked: Guess, guesses: list[float], truth: Any) -> list[str]:
    bins = [0] * 10
    for guess in guesses:
        bins[min(9, int(10 * guess))] += 1
    spread = "".join("." if not count else str(count) if count < 10 else "+" for count in bins)
    said = {True: "true", False: "not true", None: "not shown yet"}[None if truth is None else bool(truth)]
    return [
        f"{asked.key} {asked.text}: {said}",
        f"      0 % |{spread}| 100 %   {_count(len(guesses), 'guess', 'guesses')}, "
        f"{percent(min(guesses))} to {percent(max(guesses))}, the middle one {percent(median(guesses))}",
    ]


def _of_number(asked: Guess, guesses: list[list[float]], truth: Any) -> list[str]:
    shown, held = "not shown yet", ""
    if truth is not None:
        shown = quantity(truth, asked.unit)
        too_low, too_high = sum(high < truth for _, high in guesses), sum(low > truth for low, _ in guesses)
        hits = len(guesses) - too_low - too_high
        held = f"{hits} of {len(guesses)} held it ({too_low} too low, {too_high} too high); "
    low, high = min(low for low, _ in guesses), max(high for _, high in guesses)
    middle = median((low + high) / 2 for low, high in guesses)
    return [
        f"{asked.key} {asked.text}: {shown}",
        f"      {held}{_count(len(guesses), 'interval')} from {quantity_as_given(low, None)} to "
        f"{quantity_as_given(high, asked.unit)}, the middle of the middle one {quantity(middle, asked.unit)}",
    ]


def _declared(key: str) -> Guess | None:
    """Return a guess that a lesson still has; files of a class may come from another version of the course."""
    try:
        return exercises_of(key).guesses.get(key)
    except LabsError:
        return None


def _in_order(key: str) -> tuple[str, int]:
    number = key[5:]
    return key[:3], int(number) if number.isdigit() else 0


def _to_draw(found: Calibration) -> list[str]:
    parts = ["levels"] if any(level.is_enough for level in found.levels) else []
    return parts + (["intervals"] if found.held and found.held.is_enough else [])


def _draw_levels(axes: "Axes", levels: list[Share]) -> None:
    from labsupport import plots

    said = [100 * level.said for level in levels]
    came = [100 * level.share for level in levels]
    ends = [level.interval for level in levels]
    reach = [
        [came[i] - 100 * low for i, (low, _) in enumerate(ends)],
        [100 * high - came[i] for i, (_, high) in enumerate(ends)],
    ]
    axes.plot([50, 100], [50, 100], color="#666666", linestyle="--", linewidth=1, label="as you said")
    axes.errorbar(said, came, reach, fmt="o", color=plots.BLUE, capsize=3, label="95 % interval")
    for level, x, y in zip(levels, said, came, strict=True):
        axes.annotate(f"{level.true} of {level.cases}", (x, y), (5, 5), textcoords="offset points", fontsize=8)
    axes.set(title="How sure, and how often true", xlabel="you said (%)", ylabel="came true (%)")
    axes.set(xlim=(47, 106), ylim=(0, 104))
    axes.legend(loc="lower right", fontsize=8)


def _draw_intervals(axes: "Axes", placed: list[float]) -> None:
    from labsupport import plots

    order = sorted(placed)
    x = [min(max(place, -FAR), FAR) for place in order]
    inside = [abs(place) <= 1 for place in order]
    axes.axvspan(-1, 1, color="#dbe9f4", zorder=0)
    heights = range(1, len(order) + 1)
    for held, colour, marker, name in ((True, plots.BLUE, "o", "held"), (False, plots.RED, "D", "missed")):
        chosen = [i for i, one in enumerate(inside) if one is held]
        if chosen:
            axes.plot(
                [x[i] for i in chosen], [heights[i] for i in chosen], marker, color=colour,
                label=f"{name} {len(chosen)} of {len(order)}",
            )  # fmt: skip
    axes.set(title="Where the truth lay in your intervals", xlabel="place in the interval", ylabel="interval (rank)")
    axes.set_xticks([-FAR, -1, 1, FAR], ["far below", "low", "high", "far above"])
    axes.set(xlim=(-FAR - 0.4, FAR + 0.4), ylim=(0, len(order) + 1 + len(order) // 4))
    axes.set_yticks([])
    axes.legend(loc="upper left", fontsize=8, ncols=2)


def _intervals(held: Share) -> str:
    said = f"Your intervals: {held.true} of {held.cases} held the truth"
    if not held.is_enough:
        return f"{said}; fewer than {ENOUGH} say nothing yet."
    low, high = held.interval
    verdict = " They are too narrow: you know less than you think." if high < HELD else ""
    verdict = verdict or (" They are wider than they need be: you know more than you think." if low > HELD else "")
    return f"Your intervals held the truth in {_share(held)}; {percent(HELD)} are meant.{verdict}"


def _share(share: Share) -> str:
    low, high = (round(100 * end) for end in share.interval)
    return f"{share.true} of {share.cases} cases, {percent(round(share.share, 2))} (95 % interval {low} to {high} %)"


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
