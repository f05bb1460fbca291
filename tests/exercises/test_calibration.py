"""Calibration: what was called 80 % came true in how many cases, with an interval, and nothing from too few."""

import io
import json
import random
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from labsupport import plots
from labsupport.exercises import calibration as pages
from labsupport.exercises import progress, show_calibration
from labsupport.exercises.define import Exercises
from labsupport.exercises.scores import Calibration, Share, calibration


def sentences(*cases: tuple[float, bool]) -> dict:
    return {f"199.g{i}": {"guess": said, "truth": truth} for i, (said, truth) in enumerate(cases)}


def store(home: Path, entries: dict) -> None:
    home.mkdir(exist_ok=True)
    (home / "progress.json").write_text(json.dumps({"format": 1, "exercises": entries}))


def test_guesses_of_one_certainty_are_counted_together() -> None:
    (level,) = calibration(sentences((0.8, True), (0.85, True), (0.82, False), (0.89, True))).levels
    assert (level.true, level.cases, round(level.said, 2)) == (3, 4, 0.84)


def test_twenty_per_cent_for_a_sentence_are_eighty_against_it() -> None:
    (level,) = calibration(sentences((0.2, False), (0.2, True), (0.8, True))).levels
    assert level.said == pytest.approx(0.8) and (level.true, level.cases) == (2, 3)


def test_certainty_and_a_coin_are_levels_too() -> None:
    assert [(level.said, level.cases) for level in calibration(sentences((0.5, False), (1, True), (0, False))).levels] == [
        (0.5, 1), (1.0, 2),
    ]  # fmt: skip


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans())))
def test_each_sentence_is_counted_once(cases: list[tuple[float, bool]]) -> None:
    found = calibration(sentences(*cases))
    assert sum(level.cases for level in found.levels) == len(found.bits) == len(cases)
    assert sum(level.true for level in found.levels) == sum(
        truth if said >= 0.5 else not truth for said, truth in cases
    )


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.floats(-1e7, 1e7))
def test_a_place_within_the_interval_is_a_hit_and_no_other(low: float, width: float, truth: float) -> None:
    found = calibration({"199.g1": {"guess": [low, low + width], "truth": truth}})
    assert found.held is not None and bool(found.held.true) == (low <= truth <= low + width)


def test_the_interval_is_wilsons() -> None:
    # Brown, Cai, DasGupta (2001); the value for 7 of 10 by statsmodels' proportion_confint(7, 10, method="wilson").
    assert Share(0.8, 7, 10).interval == pytest.approx((0.3968, 0.8922), abs=1e-4)
    assert Share(0.8, 5, 5).interval[1] == 1


def test_a_guess_without_a_truth_and_a_truth_without_a_guess_do_not_count() -> None:
    assert calibration({"199.g1": {"guess": 0.8}, "199.g2": {"truth": True}, "199.1": {"attempts": 1}}) == Calibration(
        [], [], []
    )


def test_nothing_is_said_before_the_first_guess(capsys: pytest.CaptureFixture[str]) -> None:
    show_calibration()
    assert capsys.readouterr().out == pages.NOTHING_YET + "\n"


def test_of_too_few_nothing_is_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store(home, sentences(*[(0.8, True)] * 4) | {"199.g9": {"guess": [1, 2], "truth": 3}})
    show_calibration()
    assert capsys.readouterr().out.splitlines() == [
        "Guesses about 4 sentences: 0.32 bits of surprise each; a coin has 1.",
        "4 guesses of other certainty: fewer than 5 alike say nothing yet.",
        "Your intervals: 0 of 1 held the truth; fewer than 5 say nothing yet.",
    ]


def test_enough_are_said_with_their_interval() -> None:
    lines = pages.text(calibration(sentences(*[(0.8, True)] * 6, *[(0.8, False)] * 4, (0.55, True))))
    assert lines == [
        "Guesses about 11 sentences: 1.10 bits of surprise each; a coin has 1.",
        "What you called about 80 % came true in 6 of 10 cases, 60 % (95 % interval 31 to 83 %).",
        "Who calls a sentence 20 % sure calls its opposite 80 % sure, and is counted there.",
        "1 guess of other certainty: fewer than 5 alike say nothing yet.",
    ]


@pytest.mark.parametrize(
    ("hits", "words"), [(2, "They are too narrow"), (8, "80 % are meant."), (30, "They are wider than they need be")]
)  # fmt: skip
def test_intervals_are_judged_only_beyond_luck(hits: int, words: str) -> None:
    misses = 0 if hits == 30 else 10 - hits
    line = pages.text(Calibration([], [], [0.0] * hits + [2.0] * misses))[0]
    assert (
        line.startswith(f"Your intervals held the truth in {hits} of")
        and line.endswith(words) == (hits == 8)
        and words in line
    )


def many(seed: int = 1) -> dict:
    rng = random.Random(seed)
    entries = sentences(
        *((p, rng.random() < 0.5 + 0.6 * (p - 0.5)) for p in rng.choices([0.3, 0.5, 0.6, 0.8, 0.9, 1], k=60))
    )
    for i in range(30):
        middle = rng.uniform(10, 100)
        entries[f"200.g{i}"] = {"guess": [middle * 0.8, middle * 1.2], "truth": middle * (1 + rng.gauss(0, 0.3))}
    return entries


def test_the_figure_has_words_everywhere_and_is_small(home: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    shown = []
    monkeypatch.setattr(plots, "display_png", lambda png, alt: shown.append((png, alt)))
    store(home, many())
    plots.use_style()
    show_calibration()
    ((png, alt),) = shown
    assert Image.open(io.BytesIO(png)).size == (700, 340)
    assert "points of what was said against what came true" in alt and "30 dots where the truth lay" in alt
    assert "What you called about 80 % came true in" in capsys.readouterr().out
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("entries", "titles"),
    [
        (sentences(*[(0.9, True)] * 5), ["How sure, and how often true"]),
        ({f"199.g{i}": {"guess": [1, 1], "truth": i} for i in range(5)}, ["Where the truth lay in your intervals"]),
    ],
    ids=["sentences", "intervals"],
)
def test_only_what_there_is_enough_of_is_drawn(entries: dict, titles: list[str]) -> None:
    plots.use_style()
    made = pages.figure(calibration(entries))
    assert [axes.get_title(loc="left") for axes in made.axes] == titles
    plt.close(made)


def test_a_damaged_file_gets_a_sentence(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home.mkdir()
    (home / "progress.json").write_text("[]")
    show_calibration()
    assert capsys.readouterr().out.startswith("Your progress can't be read (")


@pytest.fixture
def asked(lesson: Exercises) -> None:
    lesson.guess("g1", "The line beats the rules.")
    lesson.guess("g2", "The p95 at 90 % load", unit="ms")
    lesson.guess("g10", "Never asked.")


def test_a_class_sees_its_spread_next_to_the_truth(asked: None) -> None:
    learners: list[dict[str, Any]] = [
        {"199.g1": {"guess": 0.2, "truth": True}, "199.g2": {"guess": [2, 9], "truth": 9.5}},
        {"199.g1": {"guess": 0.65, "truth": True}, "199.g2": {"guess": [5, 20], "truth": 9.5}},
        {"199.g1": {"guess": 0.6}, "199.1": {"attempts": 3}},
        {"199.g2": {"guess": [30, 40], "truth": 9.5}, "777.g1": {"guess": 0.5}, "199.g7": {"guess": 0.5}},
    ]
    assert pages.of_class(learners) == [
        "199.g1 The line beats the rules: true",
        "      0 % |..1...2...| 100 %   3 guesses, 20 % to 65 %, the middle one 60 %",
        "199.g2 The p95 at 90 % load: 9.5 ms",
        "      1 of 3 held it (1 too low, 1 too high); 3 intervals from 2 to 40 ms, the middle of the middle one 12.5 ms",
    ]


def test_a_class_before_the_truth_is_not_told_it(asked: None) -> None:
    learners: list[dict[str, Any]] = [
        {"199.g1": {"guess": 1}, "199.g2": {"guess": [1, 2]}},
        {"199.g1": {"guess": [1, 2]}},
    ]
    lines = pages.of_class(learners)
    assert lines == [
        "199.g1 The line beats the rules: not shown yet",
        "      0 % |.........1| 100 %   1 guess, 100 % to 100 %, the middle one 100 %",
        "199.g2 The p95 at 90 % load: not shown yet",
        "      1 interval from 1 to 2 ms, the middle of the middle one 1.5 ms",
    ]


def test_a_class_without_guesses_has_no_lines() -> None:
    assert pages.of_class([{"199.1": {"attempts": 1}}, {}]) == []


def test_progress_of_a_real_guess_is_read_by_the_calibration(asked: None) -> None:
    progress.record_guess("199.g1", 0.75)
    progress.record_truth("199.g1", False)
    assert calibration(progress.read()).bits == [2.0]
