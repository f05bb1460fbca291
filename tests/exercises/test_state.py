"""A check runs in a known state and leaves the learner's as it was."""

import builtins
import decimal
import locale
import logging
import os
import random
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import sklearn

from labsupport.exercises import use
from labsupport.exercises.define import Exercises
from labsupport.exercises.engine import evaluate
from labsupport.exercises.outcomes import Kind
from labsupport.exercises.state import known_state


@pytest.fixture(autouse=True)
def the_tests_own_state():
    """Give back what these tests change on purpose."""
    with known_state():
        mpl.use("agg")
        yield
        plt.close("all")


def watching(look: Callable[[], Any], seen: list[Any]) -> Callable[[list], float]:
    """Return a right answer to 199.1 that notes what it sees."""

    def answer(data: list) -> float:
        seen.append(look())
        return sum(data)

    return answer


class Setting:
    """One thing that a learner may have set: how to set it, and how to look at it."""

    def __init__(self, change: Callable[[], Any], look: Callable[[], Any]) -> None:
        self.change, self.look = change, look


def somebody_elses(*arguments: Any) -> None:
    """Stand in for a function of a module."""


def set_locale() -> None:
    for name in ("de_DE.UTF-8", "fr_FR.UTF-8", "C.UTF-8"):
        try:
            locale.setlocale(locale.LC_NUMERIC, name)
            return
        except locale.Error:
            continue


def options() -> tuple:
    return pd.get_option("display.max_rows"), pd.get_option("mode.copy_on_write"), pd.get_option("display.float_format")


def set_options() -> None:
    pd.set_option("display.max_rows", 3)
    pd.set_option("mode.copy_on_write", True)
    pd.set_option("display.float_format", "{:.1f}".format)


def set_figures() -> None:
    mpl.use("svg")
    mpl.rcParams["figure.figsize"] = (1, 1)
    mpl.rcParams["axes.titlesize"] = 40


SETTINGS = {
    "errors of NumPy": Setting(lambda: np.seterr(all="raise"), np.geterr),
    "printing of NumPy": Setting(lambda: np.set_printoptions(precision=2, suppress=True), lambda: str(np.array([1e-9, 1.23456]))),
    "options of pandas": Setting(set_options, options),
    "warnings": Setting(lambda: warnings.simplefilter("error"), lambda: list(warnings.filters)),
    "random numbers": Setting(lambda: random.seed(7), random.getstate),
    "NumPy's random numbers": Setting(lambda: np.random.seed(7), lambda: np.random.get_state(legacy=False)["state"]["key"].tolist()),
    "a seed that does nothing": Setting(lambda: setattr(np.random, "seed", somebody_elses), lambda: np.random.seed),
    "a builtin that lies": Setting(lambda: setattr(builtins, "abs", somebody_elses), lambda: builtins.abs),
    "a clock that stands": Setting(lambda: setattr(time, "time", somebody_elses), lambda: time.time),
    "figures": Setting(set_figures, lambda: (mpl.get_backend(), *mpl.rcParams["figure.figsize"], mpl.rcParams["axes.titlesize"])),
    "scikit-learn": Setting(lambda: sklearn.set_config(transform_output="pandas"), sklearn.get_config),
    "decimal numbers": Setting(lambda: setattr(decimal.getcontext(), "prec", 3), lambda: decimal.getcontext().prec),
    "locale": Setting(set_locale, lambda: locale.setlocale(locale.LC_NUMERIC)),
    "recursion": Setting(lambda: sys.setrecursionlimit(50_000), sys.getrecursionlimit),
    "logging": Setting(lambda: logging.disable(logging.CRITICAL), lambda: logging.root.manager.disable),
}  # fmt: skip


@pytest.mark.parametrize("name", SETTINGS)
def test_what_the_learner_set_is_out_of_the_way_in_a_check_and_back_after_it(name: str, lesson: Exercises) -> None:
    setting = SETTINGS[name]
    seen: list[Any] = []
    # From where each check begins, not from where the tests do.
    evaluate("199.1", watching(setting.look, seen))
    setting.change()
    mine = setting.look()
    evaluate("199.1", watching(setting.look, seen))
    assert seen[0] == seen[1] != mine
    assert setting.look() == mine


@pytest.mark.parametrize("name", SETTINGS)
def test_what_an_answer_sets_ends_with_the_check(name: str, lesson: Exercises) -> None:
    setting, before = SETTINGS[name], SETTINGS[name].look()
    during: list[Any] = []

    def answer(data):
        setting.change()
        during.append(setting.look())
        return sum(data)

    assert evaluate("199.1", answer).kind is Kind.PASS
    assert setting.look() == before != during[0]


@pytest.mark.parametrize(
    "ends", [lambda data: 1 / 0, lambda data: max(data), lambda data: exec("while True: pass")], ids=["raises", "fails", "hangs"]
)  # fmt: skip
def test_it_is_given_back_however_the_check_ends(ends, lesson: Exercises) -> None:
    np.seterr(all="raise")
    random.seed(3)
    state = random.getstate()
    evaluate("199.1", ends)
    assert np.geterr()["over"] == "raise" and random.getstate() == state


def test_two_checks_see_the_same_random_numbers(lesson: Exercises) -> None:
    seen: list[Any] = []
    for seed in (1, 2):
        random.seed(seed)
        np.random.seed(seed)
        evaluate("199.1", watching(lambda: (random.random(), np.random.rand()), seen))
    assert seen[0] == seen[1]


def test_a_working_folder_that_was_changed_or_deleted_does_not_matter(
    lesson: Exercises, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = Path.cwd()
    seen: list[Path] = []
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    evaluate("199.1", watching(Path.cwd, seen))
    assert seen == [began]
    with pytest.raises(FileNotFoundError):
        Path.cwd()


def test_an_answer_that_changes_the_folder_leaves_the_learner_where_he_was(
    lesson: Exercises, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "beside_the_notebook.py").write_text("add = sum\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])

    def answer(data):
        from beside_the_notebook import add

        os.chdir("/")
        sys.path.insert(0, "/nowhere")
        return add(data)

    assert evaluate("199.1", answer).kind is Kind.PASS
    assert Path.cwd() == tmp_path and sys.path[0] == "" and "/nowhere" not in sys.path


def test_libraries_are_found_also_when_the_path_was_emptied(lesson: Exercises, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)

    def answer(data):
        import colorsys

        return sum(data) + 0 * len(colorsys.__all__)

    assert evaluate("199.1", answer).kind is Kind.PASS
    assert sys.path == []


def test_variables_are_the_learners_and_put_back(lesson: Exercises, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINE", "1")
    monkeypatch.setenv("TZ", "UTC")
    seen = []

    def answer(data):
        seen.append(os.environ["MINE"])
        os.environ.update(MINE="2", MORE="3", TZ="Asia/Tokyo")
        time.tzset()
        return sum(data)

    evaluate("199.1", answer)
    assert seen == ["1"] and os.environ["MINE"] == "1" and "MORE" not in os.environ
    assert time.localtime(0).tm_hour == 0


def test_a_thread_that_an_answer_leaves_is_ended_and_others_go_on(
    lesson: Exercises, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Python is silent about SystemExit in a thread, pytest is not.
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    stop = threading.Event()
    mine = threading.Thread(target=stop.wait)
    mine.start()
    left = []

    def spin() -> None:
        while True:
            pass

    def answer(data):
        left.append(threading.Thread(target=spin, daemon=True))
        left[0].start()
        return sum(data)

    try:
        assert evaluate("199.1", answer).kind is Kind.PASS
        left[0].join(10)
        assert not left[0].is_alive() and mine.is_alive()
    finally:
        stop.set()
        mine.join()


def test_figures_of_an_answer_are_closed_and_the_learners_stay(lesson: Exercises) -> None:
    mine = plt.figure()

    def answer(data):
        plt.plot(data)
        plt.figure()
        return sum(data)

    evaluate("199.1", answer)
    assert plt.get_fignums() == [mine.number]
    assert plt.gcf() is mine and mine.axes == []


def test_endless_recursion_ends_also_after_the_limit_was_raised(lesson: Exercises) -> None:
    def deeper(data):
        return deeper(data)

    sys.setrecursionlimit(10**9)
    try:
        assert evaluate("199.1", deeper).text.startswith("Your code raised `RecursionError")
    finally:
        sys.setrecursionlimit(1000)


def test_a_reference_answer_is_made_in_a_known_state_too(lesson: Exercises) -> None:
    random.seed(5)
    state = random.getstate()
    use("199.1", ...)
    assert random.getstate() == state


def test_a_check_imports_no_library_that_the_learner_has_not() -> None:
    code = (
        "import sys; from labsupport.exercises import check; check('000.1', lambda values, limit: 0)\n"
        "print(sorted({'pandas', 'matplotlib', 'sklearn', 'scipy'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.endswith("\n[]\n")


def test_a_known_state_costs_less_than_ten_milliseconds() -> None:
    seconds = []
    for _ in range(20):
        started = time.perf_counter()
        with known_state():
            pass
        seconds.append(time.perf_counter() - started)
    assert min(seconds) < 0.01
