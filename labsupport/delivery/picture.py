"""Draw runs of a workflow: a row for each push, a box for each job, with its result in colour and in words."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt

from labsupport import plots
from labsupport.delivery.runner import FAILURE, SKIPPED, SUCCESS, Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LOOKS = {SUCCESS: (plots.SKY, ""), FAILURE: (plots.ORANGE, "//"), SKIPPED: ("none", "")}


def draw(runs: Mapping[str, Run]) -> "Figure":
    """Return the picture of runs by the name of their push, the first one on top."""
    jobs = list(next(iter(runs.values())).results)
    figure, axes = plt.subplots(figsize=(7.2, 0.7 + 0.55 * len(runs)))
    for row, run in enumerate(runs.values()):
        for column, (job, result) in enumerate(run.results.items()):
            color, hatch = _LOOKS[result]
            axes.barh(row, 0.86, left=column, height=0.66, color=color, hatch=hatch, edgecolor=plots.INK, alpha=0.85)
            axes.text(
                column + 0.43,
                row,
                f"{job}\n{result}",
                ha="center",
                va="center",
                fontsize=7.5,
                color="black" if color != "none" else plots.INK,
            )
            if column:
                axes.annotate(
                    "", (column, row), (column - 0.14, row), arrowprops={"arrowstyle": "->", "color": plots.INK}
                )
    axes.set_yticks(range(len(runs)), list(runs))
    axes.set(
        xlim=(-0.1, len(jobs)),
        ylim=(len(runs) - 0.4, -0.6),
        title="Each push, and how far it came",
        xlabel="jobs, in the order of the file",
        ylabel="push",
    )
    axes.set_xticks([])
    axes.grid(False)
    return figure
