"""Pictures of DAGs: the graph with the state of each task, and a week of runs as a grid, as schedulers show them."""

from collections.abc import Collection, Mapping, Sequence
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any

from labsupport import plots

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Colour, and a letter that says the same without it.
LOOKS = {
    "success": (plots.GREEN, "ok"),
    "failed": (plots.RED, "failed"),
    "upstream_failed": (plots.YELLOW, "not started"),
    "skipped": (plots.SKY, "skipped"),
}
UNKNOWN = ("#cccccc", "")


def draw_graph(axes: "Axes", upstream: Mapping[str, Collection[str]], states: Mapping[str, str] | None = None) -> None:
    """Draw tasks as boxes from left to right, an arrow from each to those that wait for it; `states` colours them."""
    places = _places(upstream)
    for name, (x, y) in places.items():
        color, word = LOOKS.get((states or {}).get(name, ""), UNKNOWN)
        text = f"{name}\n{word}" if word else name
        box: dict[str, Any] = {
            "boxstyle": "round,pad=0.5",
            "facecolor": plots.GROUND,
            "edgecolor": color,
            "linewidth": 2.2,
        }
        axes.text(x, y, text, ha="center", va="center", bbox=box, zorder=3, fontsize=9.5)
        for before in upstream[name]:
            start = places[before]
            arrow: dict[str, Any] = {"arrowstyle": "-|>", "color": "#666666", "shrinkA": 30, "shrinkB": 32}
            axes.annotate("", xy=(x, y), xytext=start, arrowprops=arrow)
    columns = [x for x, _ in places.values()]
    rows = [y for _, y in places.values()]
    axes.set(xlim=(min(columns) - 0.5, max(columns) + 0.5), ylim=(min(rows) - 0.5, max(rows) + 0.5))
    axes.axis("off")


def draw_grid(axes: "Axes", tasks: Sequence[str], days: Sequence[str], states: Sequence[Mapping[str, str]]) -> None:
    """Draw a square a task and day, by state: `states` has a mapping for each of `days`; green ones bear no word."""
    for column, run in enumerate(states):
        for row, name in enumerate(reversed(tasks)):
            color, word = LOOKS.get(run.get(name, ""), UNKNOWN)
            axes.bar(column, 0.84, bottom=row - 0.42, width=0.84, color=color)
            if word not in ("ok", ""):
                axes.text(column, row, word.replace(" ", "\n"), ha="center", va="center", fontsize=7.5)
    axes.set_xticks(range(len(days)), [day[5:] for day in days])
    axes.set_yticks(range(len(tasks)), list(reversed(tasks)))
    axes.grid(False)


def levels(upstream: Mapping[str, Collection[str]]) -> dict[str, int]:
    """Return each task's distance from the start, in tasks: the longest way to it."""
    found: dict[str, int] = {}
    for name in TopologicalSorter(upstream).static_order():
        found[name] = 1 + max((found[before] for before in upstream[name]), default=-1)
    return found


def _places(upstream: Mapping[str, Collection[str]]) -> dict[str, tuple[float, float]]:
    """Return (column, row) of each task: its level; within it, in the order of the rows of those it waits for."""
    depth = levels(upstream)
    places: dict[str, tuple[float, float]] = {}

    def height(name: str) -> float:
        rows = [places[before][1] for before in upstream[name]]
        return sum(rows) / len(rows) if rows else 0.0

    for level in range(max(depth.values(), default=-1) + 1):
        names = sorted((name for name in upstream if depth[name] == level), key=height, reverse=True)
        for number, name in enumerate(names):
            places[name] = (float(level), (len(names) - 1) / 2 - number)
    return places
