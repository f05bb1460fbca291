"""The dashboard of the day: six panels, each a query to Prometheus with the threshold of its alert."""

import itertools
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from labsupport import plots
from labsupport.gameday import facts
from labsupport.monitoring.prometheus import Prometheus, Series

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from labsupport.gameday.oncall import Day

MINUTE, GAP_S = 60.0, 3.0
# Lines that lie on each other are told apart by their dashes; dots are the thresholds'.
DASHES: tuple[Any, ...] = ("-", "--", "-.", (0, (6, 1, 1, 1, 1, 1)), (0, (1.5, 0.8)))
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Panel:
    """One picture: what is asked, its unit, the alert's threshold, and which label tells its lines apart."""

    title: str
    query: str
    unit: str
    threshold: float | None = None
    label: str = ""


PANELS = (
    Panel("No answer", 'sum(rate(ledger_requests_total{outcome="failed"}[5s])) / sum(rate(ledger_requests_total[5s]))', "share", 0.05),
    Panel("Wrong answers", "sum by (version) (rate(ledger_wrong_total[8s])) / sum by (version) (rate(ledger_judged_total[8s]) > 0.5)", "share", None, "version"),
    Panel("Inputs moved", "ledger_input_psi", "PSI", 0.5, "column"),
    Panel("Age of features", "(time() - max by (region) (feature_written_timestamp_seconds)) / 3600", "hours", 1.0, "region"),
    Panel("Labels: failed", "ledger_failed_share", "share", 0.15),
    Panel("Memory", 'process_resident_memory_bytes{job=~"deploy-risk|forecast"} / 2^20', "MiB", None, "job"),
)  # fmt: skip


def show(day: "Day") -> None:
    """Show the dashboard of a day's last minute, with what each panel says now."""
    now = time.time()
    with day.prometheus() as prometheus:
        found = look(prometheus, now)
    plots.show(
        draw(found, now, facts.limit_mib(day.lab.cluster.get(f"deployment/{facts.NAME}", "-n", day.lab.namespace))),
        alt="Six panels over the last minute: questions without an answer, wrong answers by version, how far inputs moved, age of features, share of failed labels, memory.",
        summary=summary(found),
    )


def look(prometheus: Prometheus, now: float, seconds: float = MINUTE) -> dict[str, list[Series]]:
    """Return the answers of all panels over the last seconds, by the panel's title."""
    return {panel.title: prometheus.over(panel.query, now - seconds, now) for panel in PANELS}


def draw(found: dict[str, list[Series]], now: float, limit_mib: float = math.inf) -> "Figure":
    """Draw the panels; a dotted line is the threshold of an alert, or the predictor's memory limit."""
    import matplotlib.pyplot as plt

    figure, grid = plt.subplots(2, 3, figsize=(7.6, 4.0), sharex=True)
    for axes, panel in zip(grid.flat, PANELS, strict=True):
        for series, style in zip(found[panel.title], itertools.cycle(DASHES), strict=False):
            times, values = gapped(series.times - now, series.values)
            axes.plot(times, values, linestyle=style, label=series.labels.get(panel.label, ""), linewidth=1.3)
        threshold = panel.threshold if panel.title != "Memory" else limit_mib
        if threshold is not None and math.isfinite(threshold):
            axes.axhline(threshold, color=plots.RED, linestyle=":", linewidth=1.2)
        axes.set_title(panel.title, fontsize=9)
        axes.set(ylabel=panel.unit, xlabel="seconds ago" if axes in grid[1] else "")
        axes.set_ylim(bottom=0)
        if axes.get_legend_handles_labels()[0] and 1 < len(found[panel.title]) <= 5:
            # Half transparent: a threshold may lie behind it.
            axes.legend(fontsize=7, framealpha=0.5)
    return figure


def gapped(times: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Put a gap (nan) where a line has no value for more than some seconds: while nobody measured, there is nothing to join."""
    at = np.flatnonzero(np.diff(times) > GAP_S) + 1
    return np.insert(times, at, np.nan), np.insert(values, at, np.nan)


def summary(found: dict[str, list[Series]]) -> list[str]:
    """Return each panel's highest value now."""
    said = []
    for panel in PANELS:
        newest = max((series.times[-1] for series in found[panel.title]), default=0.0)
        # A series that has ended, such as that of a version that is gone, has no value now.
        values = [float(one.values[-1]) for one in found[panel.title] if one.times[-1] == newest]
        said.append(
            f"{panel.title}: {max(values):.2f} {panel.unit}" if values else f"{panel.title}: no data (0 series)"
        )
    return said
