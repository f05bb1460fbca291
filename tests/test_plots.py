"""Figures: words on every axis, numbers beside them, small pictures."""

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from labsupport import plots


def figure(**words: str):
    plots.use_style()
    made, axes = plt.subplots()
    axes.plot([1, 2])
    axes.set(**words)
    return made


GOOD = {"title": "Load", "xlabel": "time (s)", "ylabel": "load (1)"}


@pytest.mark.parametrize("lacking", ["title", "xlabel", "ylabel"])
def test_a_figure_without_words_is_refused(lacking: str) -> None:
    words = {name: text for name, text in GOOD.items() if name != lacking}
    with pytest.raises(ValueError, match="title|label"):
        plots.show(figure(**words), alt="a line", summary="2 points")


def test_a_summary_says_numbers() -> None:
    with pytest.raises(ValueError, match="in numbers"):
        plots.show(figure(**GOOD), alt="a line", summary="it rises")


def test_a_picture_is_small_and_carries_its_alt_text(capsys, monkeypatch) -> None:
    shown = []
    monkeypatch.setattr(plots, "display_png", lambda png, alt: shown.append((png, alt)))
    plots.show(figure(**GOOD), alt="a line", summary=["2 points", "mean 1.5"])
    ((png, alt),) = shown
    assert png.startswith(b"\x89PNG") and len(png) < 20_000 and alt == "a line"
    assert capsys.readouterr().out == "2 points\nmean 1.5\n"


def test_a_picture_of_noise_is_refused() -> None:
    made, axes = plt.subplots(figsize=(12, 9))
    axes.imshow(np.random.default_rng(0).random((600, 800)), aspect="auto")
    with pytest.raises(ValueError, match="the limit is 60 kB"):
        plots.to_png(made)
