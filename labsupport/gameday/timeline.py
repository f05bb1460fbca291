"""The debrief: who noticed, said and did what, and when, for each incident on one axis of time."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from labsupport import plots
from labsupport.gameday.book import Entry, injected

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARKS = {
    "alert": ("o", plots.ORANGE),
    "page": ("v", plots.BLUE),
    "diagnosis": ("s", plots.PURPLE),
    "repair": ("P", plots.GREEN),
}


def draw(entries: Sequence[Entry]) -> "Figure":
    """Draw the day: a bar from each incident to its end (hatched: it has none), with alert, page, diagnosis and repair on it."""
    import matplotlib.pyplot as plt

    days, ends = injected(list(entries)), _ends(entries)
    figure, axes = plt.subplots(figsize=(6.6, 0.6 + 0.42 * max(1, len(days))))
    begin = days[0]["at"] if days else 0.0
    known: set[str] = set()
    last = max((entry["at"] for entry in entries), default=begin)
    for one in days:
        mine = [entry for entry in entries if entry.get("number") == one["number"]]
        length = ends.get(one["number"], last) - one["at"]
        hatch = None if one["number"] in ends else "///"
        axes.barh(one["number"], length, left=one["at"] - begin, height=0.35, color="#999999", alpha=0.4, hatch=hatch)
        for entry in mine:
            if entry["what"] in MARKS:
                shape, color = MARKS[entry["what"]]
                label = entry["what"] if entry["what"] not in known else None
                known.add(entry["what"])
                axes.plot(entry["at"] - begin, one["number"], shape, color=color, markersize=6, label=label)
    axes.set_yticks([one["number"] for one in days], [_name(one, ends) for one in days])
    axes.invert_yaxis()
    axes.set(
        title="The day: from each incident to its end", xlabel="seconds since the first incident", ylabel="incident"
    )
    if known:
        axes.legend(fontsize=8, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.25 if len(days) > 3 else -0.5))
    return figure


def summary(entries: Sequence[Entry]) -> str:
    """Return the order of the day in words."""
    return ", ".join(_name(one, _ends(entries)) for one in injected(list(entries)))


def _ends(entries: Sequence[Entry]) -> dict[int, float]:
    """Return when each incident that was repaired was over."""
    return {entry["number"]: entry["at"] for entry in reversed(entries) if entry["what"] == "repaired"}


def _name(incident: Entry, ends: dict[int, float]) -> str:
    return f"{incident['number']} {incident['kind']}" + ("" if incident["number"] in ends else " (open)")
