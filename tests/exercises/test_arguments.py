"""An answer that changes what it was given is refused by name; what has a life of its own may move on."""

import array
import dataclasses
import io
import itertools
import random
import threading
import time
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from labsupport.exercises import arguments
from labsupport.exercises.define import Exercises
from labsupport.exercises.engine import evaluate
from labsupport.exercises.guard import Guarded, watch_arguments
from labsupport.exercises.outcomes import Kind


@dataclasses.dataclass
class Box:
    values: list


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {"load": [1.0, np.nan, 3.0], "team": ["a", "b", None]}, index=pd.Index([5, 6, 7], name="minute")
    )


def changes(function: Callable[..., Any], *args: Any, **kwargs: Any) -> list[tuple[str, str]]:
    with watch_arguments() as found:
        Guarded(function)(*args, **kwargs)
    return found


def test_a_right_result_with_a_changed_argument_is_refused_and_names_it(lesson: Exercises) -> None:
    def destructive(data):
        result = sum(data)
        data.sort()
        return result

    outcome = evaluate("199.1", destructive)
    assert outcome.kind is Kind.FAIL
    assert outcome.saw == "the right result, and a changed argument: `data[0]` was `3` and is `1`"
    assert "`data` as it was given" in outcome.expected and "work on a copy" in outcome.cause


def test_a_wrong_result_gets_its_own_diagnosis_first(lesson: Exercises) -> None:
    def wrong(data):
        data.clear()
        return 0

    assert evaluate("199.1", wrong).cause == "not everything was added"


def test_an_exercise_can_allow_the_change_and_keeps_its_own_data(lesson: Exercises) -> None:
    @lesson.check("3", "In place", hints=("a", "b"), may_change=True)
    def in_place(answer: Guarded) -> str:
        data = [3, 1, 2]
        answer(data)
        return f"The data is still {data}."

    outcome = evaluate("199.3", lambda data: data.clear())
    assert (outcome.kind, outcome.text) == (Kind.PASS, "The data is still [3, 1, 2].")


def put(place: Any, value: Any) -> Callable[[Any], None]:
    def change(x: Any) -> None:
        x[place] = value

    return change


def add_column(x: pd.DataFrame) -> None:
    x["more"] = 1


def rename_index(x: Any) -> None:
    x.index.name = "other"


def later(x: Any) -> None:
    x["time"] = x["time"] + pd.Timedelta(hours=3)


def fill(x: pd.DataFrame) -> None:
    x.fillna({"load": 0.0}, inplace=True)


CHANGED: dict[str, tuple[Any, Callable[[Any], Any], str]] = {
    "list sorted": ([3, 1], lambda x: x.sort(), "`x[0]` was `3` and is `1`"),
    "list emptied": ([3, 1], lambda x: x.clear(), "`x` had 2 elements and has 0"),
    "nested list": ([[1], [2]], lambda x: x[1].append(3), "`x[1]` had 1 elements and has 2"),
    "dictionary in a list": ([{"a": [1]}], lambda x: x[0]["a"].pop(), "`x[0]['a']` had 1 elements and has 0"),
    "array replaced": ([np.zeros(3)], put(0, None), "`x[0]` was"),
    "list replaced": ({"a": [1]}, put("a", 1), "`x['a']` was `[1]` and is `1`"),
    "dictionary replaced": ({"a": {"b": 1}}, put("a", None), "`x['a']` was `{'b': 1}` and is `None`"),
    "key added": ({"a": 1}, put("b", 2), "`x` has got `'b'`"),
    "key removed": ({"a": 1}, lambda x: x.pop("a"), "`x` has lost `'a'`"),
    "number to nan": ([1.0], put(0, float("nan")), "`x[0]` was `1.0` and is `nan`"),
    "counter": (Counter("ab"), lambda x: x.update("a"), "`x['a']` was `1` and is `2`"),
    "default that was filled": (defaultdict(list), lambda x: x["a"].append(1), "`x` has got `'a'`"),
    "set": ({1}, lambda x: x.add(2), "`x` was `{1}` and is `{1, 2}`"),
    "deque": (deque([1, 2]), lambda x: x.rotate(), "`x[0]` was `1` and is `2`"),
    "bytes": (bytearray(b"a"), lambda x: x.extend(b"b"), "`x` was"),
    "array of the standard library": (array.array("d", [1.0]), put(0, 2.0), "`x` was"),
    "array": (np.arange(4.0), put(2, 9), "`x[2]` was `2.0` and is `9.0`"),
    "array with nan": (np.array([np.nan, 1.0]), put(1, 2), "`x[1]` was `1.0` and is `2.0`"),
    "nan replaced": (np.array([np.nan, 1.0]), lambda x: np.nan_to_num(x, copy=False), "`x[0]` was `nan` and is `0.0`"),
    "matrix": (np.zeros((2, 2)), lambda x: x.sort() or x.__setitem__((1, 0), 5), "`x[1, 0]` was `0.0` and is `5.0`"),
    "shape": (np.zeros(4), lambda x: setattr(x, "shape", (2, 2)), "`x` had the shape (4,) and has (2, 2)"),
    "array of objects": (np.array([[1], None], dtype=object), lambda x: x[0].append(2), "`x[0]` had 1 elements"),
    "structured array": (np.zeros(2, dtype=[("a", int)]), lambda x: x["a"].__setitem__(1, 7), "`x['a'][1]` was `0`"),
    "masked array": (np.ma.masked_array([1, 2], [False, False]), put(0, np.ma.masked), "`x.mask[0]` was `False`"),
    "dataclass": (Box([1]), lambda x: x.values.append(2), "`x.values` had 1 elements and has 2"),
    "value in a frame": (frame(), lambda x: x.__setitem__("load", 0.0), "`x['load'].iloc[0]` was `1.0` and is `0.0`"),
    "nan in a frame": (frame(), fill, "`x['load'].iloc[1]` was `nan` and is `0.0`"),
    "column added": (frame(), add_column, "`x` had the columns ['load', 'team'] and has ['load', 'team', 'more']"),
    "type of a column": (frame(), lambda x: x.__setitem__("load", ["a", "b", "c"]), "`x['load']` had the type float64"),
    "index of a frame": (frame(), lambda x: x.reset_index(inplace=True, drop=True), "the index of `x` changed"),
    "name of an index": (frame(), rename_index, "the index of `x` changed"),
    "rows sorted": (frame(), lambda x: x.sort_index(ascending=False, inplace=True), "the index of `x` changed"),
    "series": (frame()["load"], lambda x: x.__setitem__(5, 2.0), "`x.iloc[0]` was `1.0` and is `2.0`"),
    "name of a series": (frame()["load"], lambda x: setattr(x, "name", "y"), "the name of `x` changed"),
    "frame in a dictionary": ({"f": frame()}, lambda x: x["f"].drop(columns="team", inplace=True), "`x['f']` had the columns"),
    "dates sorted": ([date(2026, 1, 2), date(2026, 1, 1)], lambda x: x.sort(), "`x[0]` was `datetime.date(2026, 1, 2)` and"),
    "date to a time": ([date(2026, 1, 2)], put(0, datetime(2026, 1, 2)), "and is `datetime.datetime(2026, 1, 2, 0, 0)`"),
    "time of day": ({"at": time_of_day(6)}, put("at", time_of_day(7)), "`x['at']` was `datetime.time(6, 0)` and is"),
    "zone": ([datetime(2026, 1, 2, tzinfo=UTC)], put(0, datetime(2026, 1, 2)), "`x[0]` was"),
    "span": ([timedelta(1)], put(0, timedelta(2)), "`x[0]` was `datetime.timedelta(days=1)` and is"),
    "decimal": ([Decimal("1.0")], put(0, Decimal("1.5")), "`x[0]` was `Decimal('1.0')` and is `Decimal('1.5')`"),
    "path": ([Path("a")], put(0, Path("b")), "`x[0]` was `PosixPath('a')` and is `PosixPath('b')`"),
    "timestamp": ([pd.Timestamp("2026-01-01")], put(0, pd.Timestamp("2026-01-02")), "`x[0]` was `Timestamp('2026-01-01 "),
    "timestamp to none": ([pd.Timestamp("2026-01-01")], put(0, pd.NaT), "and is `NaT`"),
    "span of pandas": ([pd.Timedelta(1)], put(0, pd.Timedelta(2)), "`x[0]` was `Timedelta("),
    "period": ([pd.Period("2026-01")], put(0, pd.Period("2026-02")), "and is `Period('2026-02', 'M')`"),
    "interval": ([pd.Interval(0, 1)], put(0, pd.Interval(0, 2)), "and is `Interval(0, 2, closed='right')`"),
    "times in a frame": (pd.DataFrame({"time": pd.to_datetime(["2026-01-01"])}), later, "`x['time'].iloc[0]` was `Timestamp("),
    "times with a zone": (pd.DataFrame({"time": pd.to_datetime(["2026-01-01"], utc=True)}), later, "`x['time'].iloc[0]` was"),
    "spans in a frame": (pd.DataFrame({"time": pd.to_timedelta([1, 2], "h")}), later, "`x['time'].iloc[0]` was `Timedelta("),
    "times in a series": (pd.Series(pd.to_datetime(["2026-01-01", "NaT"])), put(1, pd.Timestamp("2026-01-01")), "`x.iloc[1]` was `NaT`"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGED)
def test_a_change_is_seen_and_said(name: str) -> None:
    given, change, words = CHANGED[name]

    def answer(x):
        change(x)

    ((argument, what),) = changes(answer, given)
    assert argument == "x" and words in what


def cyclic() -> list:
    inner: list = [1, np.zeros(2)]
    inner.append(inner)
    return inner


UNCHANGED = {
    "numbers": (1, 2.5, float("nan"), "text", None, True),
    "array with nan": np.array([np.nan, -0.0, np.inf]),
    "times": np.array(["2026-01-01", "NaT"], dtype="datetime64[s]"),
    "complex": np.array([1j, complex("nan")]),
    "texts": np.array(["a", "bc"]),
    "objects": np.array([None, "a", float("nan"), np.nan], dtype=object),
    "empty": np.zeros((0, 3)),
    "view": np.arange(10.0)[::2],
    "read-only": np.broadcast_to(np.arange(3.0), (2, 3)),
    "frame": frame(),
    "categories": pd.DataFrame({"a": pd.Categorical(["x", "y"]), "t": pd.to_datetime(["2026-01-01", "NaT"], utc=True)}),
    "two columns of one name": pd.DataFrame([[1, 2]], columns=["a", "a"]),
    "levels": pd.Series([1, 2], index=pd.MultiIndex.from_tuples([(1, "a"), (2, "b")])),
    "nested": {"a": [np.ones(2), {"b": (frame(), np.float64("nan"))}], 1: OrderedDict(c=set())},
    "cycle": cyclic(),
    "dataclass": Box([np.nan]),
    "function and class": [len, Box],
    "dates": [
        date(2026, 1, 2),
        datetime(2026, 1, 2, tzinfo=UTC),
        time_of_day(6),
        timedelta(1),
        pd.Timestamp("2026-01-01"),
    ],
    "no time": [pd.NaT, np.datetime64("NaT"), pd.Series([pd.NaT, None]), Decimal("NaN"), pd.NA],
    "paths, periods, intervals": [
        Path("a"),
        pd.Period("2026-01"),
        pd.Interval(0, 1),
        pd.period_range("2026-01", periods=2),
    ],
    "objects in a series": pd.Series([Box([1]), np.zeros(2), [np.nan], None], dtype=object),
}


@pytest.mark.parametrize("name", UNCHANGED)
def test_what_was_only_read_is_not_accused(name: str) -> None:
    def reads(x):
        repr(x)
        return x

    assert changes(reads, UNCHANGED[name]) == []


def test_a_default_that_was_only_looked_up_is_not_accused() -> None:
    assert changes(lambda x: x["missing"], defaultdict(list)) == []


class Client:
    """Counts its calls, as many a stand-in does."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.calls: list[str] = []

    def get(self) -> int:
        self.calls.append("get")
        return 1


OF_THEIR_OWN: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "generator": (lambda: (i for i in range(3)), sum),
    "iterator": (lambda: iter([1, 2]), next),
    "counter without end": (itertools.count, next),
    "numpy generator": (lambda: np.random.default_rng(0), lambda x: x.random()),
    "legacy generator": (lambda: np.random.RandomState(0), lambda x: x.rand()),
    "random": (lambda: random.Random(0), lambda x: x.random()),
    "guarded": (lambda: Guarded(len), lambda x: x([1])),
    "client": (Client, lambda x: x.get()),
    "file": (lambda: io.StringIO("a\nb"), lambda x: x.read()),
    "lock": (threading.Lock, lambda x: x.acquire()),
}


@pytest.mark.parametrize("name", OF_THEIR_OWN)
def test_what_has_a_life_of_its_own_may_move_on(name: str) -> None:
    make, use = OF_THEIR_OWN[name]
    assert changes(lambda x: use(x), make()) == []
    assert changes(lambda x: use(x["inside"]), {"inside": make()}) == []


def test_an_open_file_may_be_read(tmp_path) -> None:
    (tmp_path / "log").write_text("one\ntwo\n")
    with (tmp_path / "log").open() as file:
        lines = []
        assert changes(lambda x: lines.extend(x), file) == []
    assert lines == ["one\n", "two\n"]


def test_an_argument_that_cannot_be_copied_is_handed_over_and_is_no_error_of_the_learner(lesson: Exercises) -> None:
    @lesson.check("3", "A stream", hints=("a", "b"))
    def stream(answer: Guarded) -> str:
        return f"The sum is {answer((i for i in range(4)), [1])}."

    outcome = evaluate("199.3", lambda numbers, more: sum(numbers) + sum(more))
    assert (outcome.kind, outcome.text) == (Kind.PASS, "The sum is 7.")


def test_beside_one_that_cannot_be_copied_the_others_still_are() -> None:
    data = [3, 1]
    assert changes(lambda stream, x: x.sort(), (i for i in range(0)), data) == [("x", "`x[0]` was `3` and is `1`")]
    assert data == [3, 1]


def test_arguments_are_named_as_the_function_names_them() -> None:
    def answer(first, *rest, last):
        for x in (first, *rest, last):
            x.clear()

    for position, name in enumerate(("first", "rest[0]", "rest[1]")):
        given: list[list] = [[], [], []]
        given[position] = [1]
        assert changes(answer, *given, last=[])[0][0] == name
    assert changes(answer, [], last=[1])[0][0] == "last"
    assert changes(list.clear, [1])[0][0] in ("self", "argument 1")


def test_two_arguments_that_are_one_object_stay_one() -> None:
    shared = [1]
    seen = []
    Guarded(lambda a, b: seen.append(a is b))(shared, shared)
    assert seen == [True]


def test_looking_costs_little_beside_the_copy() -> None:
    given = ([float(i) for i in range(100_000)], np.zeros(1_000_000), pd.DataFrame(np.zeros((50_000, 10))))
    copied = arguments.copies(given, {})
    started = time.perf_counter()
    assert arguments.first_change(lambda a, b, c: None, (given, {}), copied) is None
    assert time.perf_counter() - started < 1


def test_arrays_and_keywords_are_copies_too() -> None:
    def spoil(array, *, table):
        array[:] = 0
        table["a"].append(1)

    given, table = np.ones(3), {"a": list[int]()}
    Guarded(spoil)(given, table=table)
    assert given.sum() == 3 and table == {"a": []}
