"""Figures: words on every axis, numbers beside them, small pictures."""

import io

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


@pytest.fixture(autouse=True)
def closed():
    """Leave no figure open."""
    yield
    plt.close("all")


GOOD = {"title": "Load", "xlabel": "time (s)", "ylabel": "load (1)"}


SENTENCES = {
    "title": "a figure has a title",
    "xlabel": "has a label with its unit",
    "ylabel": "has a label with its unit",
}


@pytest.mark.parametrize("lacking", SENTENCES)
def test_a_figure_without_words_is_refused(lacking: str) -> None:
    words = {name: text for name, text in GOOD.items() if name != lacking}
    with pytest.raises(ValueError, match=SENTENCES[lacking]):
        plots.show(figure(**words), alt="a line", summary="2 points")


def test_one_label_below_serves_panels_that_share_their_axis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plots, "display_png", lambda png, alt: None)
    made, (above, below) = plt.subplots(2, sharex=True)
    made.suptitle("Load")
    above.set_ylabel("load (1)")
    below.set(xlabel="time (s)", ylabel="queue (requests)")
    plots.show(made, alt="two panels", summary="2 panels")
    assert not plt.fignum_exists(made.number), "a figure that was shown is closed"


def test_panels_of_their_own_need_their_own_labels() -> None:
    made, (above, below) = plt.subplots(2)
    made.suptitle("Load")
    above.set_ylabel("load (1)")
    below.set(xlabel="time (s)", ylabel="queue (requests)")
    with pytest.raises(ValueError, match="has a label with its unit"):
        plots.show(made, alt="two panels", summary="2 panels")


def test_colour_bars_and_axes_that_are_switched_off_need_no_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plots, "display_png", lambda png, alt: None)
    made, (picture, chart) = plt.subplots(1, 2)
    made.colorbar(picture.imshow([[0, 1]]), ax=chart)
    picture.set_axis_off()
    chart.set(**GOOD)
    plots.show(made, alt="a picture and its scale", summary="2 pixels")


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


def test_the_picture_of_a_notebook_has_its_alt_text_where_readers_and_checks_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    displayed: list = []
    monkeypatch.setattr("IPython.display.display", lambda data, **options: displayed.append((data, options)))
    plots.display_png(b"png", "a line")
    ((data, options),) = displayed
    assert data == {"image/png": "cG5n", "text/plain": "[Figure: a line]"}
    assert options == {"raw": True, "metadata": {"image/png": {"alt": "a line"}}}


def test_a_figure_gives_the_same_bytes_each_time() -> None:
    assert plots.to_png(figure(**GOOD)) == plots.to_png(figure(**GOOD))


def test_a_label_is_broken_between_words_only() -> None:
    assert plots.wrap("data contracts and versions", 10) == "data\ncontracts\nand\nversions"
    assert plots.wrap("observability", 5) == "observability"


def test_a_picture_of_noise_is_refused() -> None:
    made, axes = plt.subplots(figsize=(12, 9))
    axes.imshow(np.random.default_rng(0).random((600, 800)), aspect="auto")
    with pytest.raises(ValueError, match="the limit is 60 kB"):
        plots.to_png(made)


def test_a_title_that_runs_off_is_seen() -> None:
    assert plots.cut_at(plots.to_png(figure(**GOOD))) == ""
    assert plots.cut_at(plots.to_png(figure(**GOOD | {"title": "The load of a day, " * 6}))) == "right"
    assert plots.cut_at(plots.to_png(figure(**GOOD | {"ylabel": "load (requests a second), " * 4}))) == "upper"


def test_thin_lines_keep_their_colours() -> None:
    """A median cut made one brown of a red line and an orange one."""
    from PIL import Image

    names = ("RED", "ORANGE", "BLUE", "GREEN", "SKY", "PURPLE")
    plots.use_style()
    made, axes = plt.subplots(figsize=(7, 3))
    for place, name in enumerate(names):
        walk = np.random.default_rng(place).normal(size=100).cumsum()
        axes.plot(walk, color=getattr(plots, name), lw=1)
        axes.fill_between(range(100), walk - 1, walk + 1, color=getattr(plots, name), alpha=0.2)
    axes.set(**GOOD)
    seen = np.asarray(Image.open(io.BytesIO(plots.to_png(made))).convert("RGB")).reshape(-1, 3).astype(int)
    for name in names:
        wanted = np.round(255 * np.array(matplotlib.colors.to_rgb(getattr(plots, name))))
        assert np.abs(seen - wanted).max(axis=1).min() <= 24, name
