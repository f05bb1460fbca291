"""Draw runs of a workflow: a row for each push, a box for each job, with its result in colour and in words."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt

from labsupport import plots
from labsupport.delivery.runner import FAILURE, SKIPPED, SUCCESS, Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOR = {SUCCESS: plots.SKY, FAILURE: plots.ORANGE, SKIPPED: "none"}
_WIDTH, _HEIGHT = 0.86, 0.66


def draw(runs: Mapping[str, Run]) -> "Figure":
    """Return the picture of runs by the name of their push, the first one on top."""
    figure, axes = plt.subplots(figsize=(7.2, 0.7 + 0.55 * len(runs)))
    most = max(len(run.results) for run in runs.values())
    for row, run in enumerate(runs.values()):
        for column, (job, result) in enumerate(run.results.items()):
            failed = result == FAILURE
            edge: dict[str, Any] = {"edgecolor": plots.INK, "linewidth": 2.2 if failed else 0.8}
            axes.barh(row, _WIDTH, left=column, height=_HEIGHT, color=_COLOR[result], **edge)
            # Black on a colour, in both themes; a skipped job has the page's own.
            ink = plots.INK if result == SKIPPED else "black"
            style: dict[str, Any] = {"fontsize": 7.5, "color": ink, "fontweight": "bold" if failed else "normal"}
            axes.text(column + _WIDTH / 2, row, f"{job}\n{result}", ha="center", va="center", **style)
            if column:
                arrow = {"arrowstyle": "->", "color": plots.INK}
                axes.annotate("", (column, row), (column - 1 + _WIDTH, row), arrowprops=arrow)
    axes.set_yticks(range(len(runs)), list(runs))
    axes.set_xticks([])
    axes.set(xlim=(-0.1, most), ylim=(len(runs) - 0.4, -0.6), xlabel="jobs, in the order of the file", ylabel="push")
    axes.set_title("Each push, and how far it came")
    axes.grid(False)
    return figure
