"""The dashboard and the timeline draw what there is, also when there is little."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

from labsupport import plots
from labsupport.gameday import dashboard, timeline
from labsupport.monitoring.prometheus import Series

NOW = 1_000.0


def series(*values: float, **labels: str) -> Series:
    times = np.asarray(NOW - np.arange(len(values)), dtype=np.float64)
    return Series(labels, times[::-1], np.array(values))


def test_a_dashboard_without_data_says_so() -> None:
    said = dashboard.summary({panel.title: [] for panel in dashboard.PANELS})
    assert len(said) == 6 and all("no data" in line for line in said)
    plt.close(dashboard.draw({panel.title: [] for panel in dashboard.PANELS}, NOW))


def test_a_panel_says_the_highest_of_its_newest_values() -> None:
    found = {panel.title: [series(9.0, 0.1, version="1"), series(0.0, 0.4, version="3")] for panel in dashboard.PANELS}
    assert all(line.split(": ")[-1].startswith("0.40") for line in dashboard.summary(found))
    figure = dashboard.draw(found, NOW)
    assert plots.to_png(figure)
    plt.close(figure)


@pytest.mark.parametrize("count", [0, 1, 6])
def test_the_timeline_has_a_bar_for_each_incident(count: int) -> None:
    entries = [{"at": 0.0, "what": "begin", "seed": 0}]
    for number in range(1, count + 1):
        entries += [
            {"at": 50.0 * number, "what": "incident", "number": number, "kind": "oom"},
            {"at": 50.0 * number + 5, "what": "alert", "number": number, "alert": "RequestsFail"},
            {"at": 50.0 * number + 9, "what": "repaired", "number": number},
        ]
    figure = timeline.draw(entries)
    bars: list[Any] = list(figure.axes[0].patches)
    assert [bar.get_width() for bar in bars] == [9.0] * count
    assert plots.to_png(figure)
    plt.close(figure)
    assert timeline.summary(entries).count("oom") == count


def test_an_incident_that_nobody_repaired_is_shown_as_open() -> None:
    entries = [
        {"at": 0.0, "what": "incident", "number": 1, "kind": "oom"},
        {"at": 9.0, "what": "repaired", "number": 1},
        {"at": 20.0, "what": "incident", "number": 2, "kind": "stale"},
        {"at": 60.0, "what": "page", "number": 2},
    ]
    figure = timeline.draw(entries)
    bars: list[Any] = list(figure.axes[0].patches)
    assert [(bar.get_width(), bar.get_hatch()) for bar in bars] == [(9.0, None), (40.0, "///")]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["1 oom", "2 stale (open)"]
    plt.close(figure)
    assert timeline.summary(entries) == "1 oom, 2 stale (open)"


def test_a_line_has_a_gap_where_nobody_measured() -> None:
    times, values = dashboard.gapped(np.array([0.0, 1.0, 9.0, 10.0]), np.array([1.0, 2.0, 3.0, 4.0]))
    assert np.isnan(values).tolist() == [False, False, True, False, False]
    assert np.isnan(times).tolist() == np.isnan(values).tolist()
