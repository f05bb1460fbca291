"""Cases for lesson 614: batches for a verdict, folders for a name, nights for a back-fill, models for a lineage."""

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

from labsupport.exercises import expect
from labsupport.exercises.outcomes import Fail

USUAL, TOLERATED = 300, 0.05


class Batch(NamedTuple):
    """How many rows came, how many of them are bad, how many are usual, which share is tolerated."""

    came: int
    bad: int
    usual: int = USUAL
    tolerated: float = TOLERATED

    @property
    def wanted(self) -> str:
        """The right verdict."""
        if not self.came:
            return "wait"
        return "stop" if self.came < self.usual / 2 or self.bad / self.came > self.tolerated else "go on"

    def __str__(self) -> str:
        return f"{self.came} came, {self.bad} bad, {self.usual} usual, {self.tolerated:g} tolerated"


BATCHES = (
    Batch(0, 0), Batch(300, 0), Batch(300, 9), Batch(300, 90), Batch(60, 0), Batch(149, 0), Batch(150, 0), Batch(1000, 49, 1000, 0.05), Batch(300, 15),
    Batch(300, 16), Batch(160, 9), Batch(600, 24), Batch(600, 31), Batch(300, 300), Batch(20, 0, 30), Batch(1000, 60, 1000, 0.1), Batch(40, 3, 40, 0.05), Batch(0, 0, 1000, 0.0), Batch(200, 0, 200, 0.0), Batch(200, 1, 200, 0.0),
    Batch(152, 5), Batch(150, 0, 301),
)  # fmt: skip
WORDS = ("wait", "stop", "go on")


def judge_verdicts(answer: Callable[..., Any]) -> None:
    """Raise Fail for the first batch that gets another verdict than it should."""
    for batch in BATCHES:
        said = expect.returned(answer(*batch), "one of three words")
        word = said if isinstance(said, str) else ""
        if word != batch.wanted:
            raise Fail(f"{said!r:.40} for {batch}", f"`{batch.wanted}`", **_why(batch, word))


def _why(batch: Batch, word: str) -> dict[str, str]:
    if word.strip().lower() in set(WORDS) - {word}:
        return {"cause": "spell the words as the text does: the next cell compares them"}
    if word not in WORDS:
        return {"cause": 'the words are "wait", "stop" and "go on"'}
    if not batch.came:
        return {"cause": "0 bad rows of 0 say nothing about a batch that is not there: it is to be waited for"}
    if word == "wait":
        return {"cause": "something came, so it can be judged"}
    too_few, many_bad = batch.came < batch.usual / 2, batch.bad / batch.came > batch.tolerated
    if too_few and not many_bad and batch.came + 1 > batch.usual / 2:
        return {"cause": "half of an odd number ends in .5, and is not to be rounded"}
    if too_few and not many_bad:
        return {"cause": "none of the few rows is bad, and most are missing: compare `came` with half of `usual`"}
    if not too_few and not many_bad and batch.came - batch.bad < batch.usual / 2:
        return {
            "cause": "enough rows came, good and bad: `came` is compared with half of `usual`, not the good ones alone"
        }
    if batch.came == batch.usual / 2:
        return {"cause": "exactly half came, which is not *less* than half"}
    if batch.bad == batch.tolerated * batch.came:
        return {"cause": "exactly the tolerated share is bad, which is not *more* than it"}
    if many_bad and batch.bad <= batch.tolerated * batch.usual:
        return {"cause": "the share is one of the rows that came, not of the usual number"}
    if not many_bad and batch.bad > batch.tolerated * batch.usual:
        return {"cause": "more than usual came: the share is one of the rows that came"}
    if not many_bad and batch.bad / max(1, batch.came - batch.bad) > batch.tolerated:
        return {"cause": "the share is one of all rows that came, not of the good ones"}
    if batch.tolerated != TOLERATED or batch.usual != USUAL:
        return {"cause": "usual number and tolerated share come as arguments: other teams have other ones"}
    return {"question": "Which of the two conditions for `stop` does this batch meet, if any?"}


FOLDERS: tuple[dict[str, bytes], ...] = (
    {"2024-03-18.csv": b"a,b\n1,2\n"},
    {"2024-03-19.csv": b"a,b\n3,4\n", "2024-03-18.csv": b"a,b\n1,2\n", "2024-03-20.csv": b""},
    {"b/part.csv": b"x\n", "a.csv": b"y\n", "b.csv": b"x\n"},
    {},
)


def name_of(files: Mapping[str, bytes]) -> str:
    """Return the name that DVC gives to a folder of these files."""
    listed = [{"md5": _md5(files[path]), "relpath": path} for path in sorted(files)]
    return _named(json.dumps(listed, sort_keys=True))


def judge_names(answer: Callable[..., Any]) -> None:
    """Raise Fail for a folder that gets another name than DVC gives it, with what was left out or added."""
    for files in FOLDERS:
        said = expect.returned(answer(dict(files)), "a name")
        if not isinstance(said, str):
            raise Fail(f"a {type(said).__name__}", "a text", "a name is the text of 32 hex digits and `.dir`")
        if said != name_of(files):
            raise Fail(f"{said[:40]} for {_folder(files)}", f"{name_of(files)[:12]}...dir", **_why_named(files, said))
        backwards = dict(reversed(files.items()))
        if answer(backwards) != said:
            cause = "the same files in another order got another name: sort them by their paths"
            raise Fail("two names for one folder", "one", cause)


def _why_named(files: Mapping[str, bytes], said: str) -> dict[str, str]:
    if said + ".dir" == name_of(files):
        return {"cause": "the digits are right; a folder's name ends in `.dir`, so that nobody takes it for a file's"}
    entries = {path: {"md5": _md5(content), "relpath": path} for path, content in files.items()}
    ordered = [entries[path] for path in sorted(entries)]
    wrong = {
        json.dumps(list(entries.values()), sort_keys=True): "they stand in the order in which they were handed over: sort by path",
        json.dumps([each["md5"] for each in ordered]): "the paths are left out, so a renamed day would go unnoticed",
        json.dumps(ordered, sort_keys=True, separators=(",", ":")): "DVC leaves json's usual blanks where they are",
        json.dumps(ordered, sort_keys=True, indent=2): "DVC writes the list in one line",
        json.dumps([dict(reversed(each.items())) for each in ordered]): "within each entry the keys are sorted: `sort_keys=True`",
        json.dumps([{"md5": each["md5"] + "", "path": each["relpath"]} for each in ordered], sort_keys=True): "the second key is called `relpath`",
        json.dumps({path: each["md5"] for path, each in sorted(entries.items())}, sort_keys=True): "it is a list of dictionaries, one a file, with `md5` and `relpath`",
    }  # fmt: skip
    by_content = sorted(ordered, key=lambda each: each["md5"])
    wrong.setdefault(json.dumps(by_content, sort_keys=True), "they stand in the order of their contents: sort by path")
    for text, cause in wrong.items():
        if said.removesuffix(".dir") == _named(text).removesuffix(".dir"):
            return {"cause": cause}
    contents = (b"".join(files[path] for path in paths) for paths in (sorted(files), list(files)))
    if said.removesuffix(".dir") in map(_md5, contents):
        return {
            "cause": "that is the md5 of all contents in one piece: rows could move from a day to the next unnoticed"
        }
    if _named(json.dumps(ordered, sort_keys=True)).removesuffix(".dir") not in said and len(said) > 40:
        return {"cause": "a name has 32 hex digits and `.dir`: an md5 of the list, not the list itself"}
    return {
        "question": "Print your JSON text for `{'a.csv': b'y'}` beside the list from the store: where do they differ?"
    }


def _folder(files: Mapping[str, bytes]) -> str:
    return f"a folder with {', '.join(files)}" if files else "an empty folder"


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _named(text: str) -> str:
    return _md5(text.encode()) + ".dir"


class Nights(NamedTuple):
    """What the ledger says and what lies in the store; `right`: the nights to run; `why`: what went wrong otherwise."""

    taken: dict[str, str | None]
    there: dict[str, str]
    right: tuple[str, ...]


A, B, C, D, E = (f"2024-03-{day}" for day in (18, 19, 20, 21, 22))
NIGHTS = (
    Nights({A: "aa", B: "bb"}, {A: "aa", B: "bb"}, ()),
    Nights({A: "aa", B: None}, {A: "aa", B: "bb"}, (B,)),
    Nights({A: "aa", B: "bb"}, {A: "a2", B: "bb"}, (A,)),
    Nights({A: "aa", B: None}, {A: "aa"}, ()),
    Nights({A: "aa", C: "cc"}, {A: "aa", B: "bb", C: "cc"}, (B,)),
    Nights({D: None, B: "bb", A: "aa", C: "cc"}, {D: "dd", C: "cc", B: "b2", A: "aa", E: "ee"}, (B, D, E)),
    Nights({A: "aa"}, {A: "aa", B: "aa"}, (B,)),
    # A batch was taken out of the store: there is nothing that a night could take in.
    Nights({A: "aa", B: "bb"}, {A: "aa"}, ()),
)


def judge_back_fill(answer: Callable[..., Any]) -> None:
    """Raise Fail where other nights are run than those whose batch is another one now."""
    for case in NIGHTS:
        said = expect.returned(answer(dict(case.taken), dict(case.there)), "a list of days")
        if isinstance(said, str) or not hasattr(said, "__iter__"):
            raise Fail(f"a {type(said).__name__}", "a list of days", "return the days as a list of texts")
        days = [str(day)[:10] for day in said]
        if days == list(case.right):
            continue
        what = f"{', '.join(days) or 'no night'} for taken {case.taken} and there {case.there}"
        raise Fail(what, ", ".join(case.right) or "no night", **_why_nights(case, days))


def _why_nights(case: Nights, days: list[str]) -> dict[str, str]:
    missing, more = set(case.right) - set(days), set(days) - set(case.right)
    if not missing and not more:
        twice = len(days) != len(set(days))
        return {"cause": "each night once" if twice else "in the order of the days"}
    for day in sorted(more):
        if day not in case.there:
            return {
                "cause": "there is no batch of that day even now: its night could only be skipped again, or it would take good rows away"
            }
        return {"cause": "its night has taken in just that content: nothing would change"}
    for day in sorted(missing):
        if day not in case.taken:
            return {"cause": "that day never had a night, and its batch is there"}
        if case.taken[day] is None:
            return {"cause": "its batch came after its night"}
        return {"cause": "the batch was exported anew: same name, other content"}
    return {"question": "which of the two tables decides?"}


class Shelf(NamedTuple):
    """Records and listings, a content, and the versions that learnt from it."""

    content: str
    runs: dict[str, dict[str, Any]]
    listings: dict[str, dict[str, str]]
    right: tuple[str, ...]


def _shelves() -> tuple[Shelf, ...]:
    listings = {
        "d1.dir": {A: "aa", B: "bad"},
        "d2.dir": {A: "aa", B: "bad", C: "cc"},
        "d3.dir": {A: "aa", B: "good", C: "cc"},
        "d4.dir": {A: "aa", B: "good", C: "cc", D: "bad"},
        "d5.dir": {A: "aa", B: "good", C: "cc", D: "dd", E: "ee"},
    }
    runs: dict[str, dict[str, Any]] = {
        "1": {"data": "d1.dir", "days": [A, B]},
        "2": {"data": "d2.dir", "days": [B, C]},
        "9": {"data": "d2.dir", "days": [C]},
        "3": {"data": "d3.dir", "days": [A, B, C]},
        "10": {"data": "d4.dir", "days": [C, D]},
        "11": {"data": "d5.dir", "days": [C, D, E]},
    }
    right = {"bad": ("1", "2", "10"), "good": ("3",), "aa": ("1", "3"), "ee": ("11",), "none": ()}
    return tuple(Shelf(content, runs, listings, versions) for content, versions in right.items())


def judge_lineage(answer: Callable[..., Any]) -> None:
    """Raise Fail where a version is named that did not learn from a content, or one is left out."""
    for case in _shelves():
        runs = {version: {**run, "days": list(run["days"])} for version, run in case.runs.items()}
        listings = {name: dict(days) for name, days in case.listings.items()}
        said = expect.returned(answer(case.content, runs, listings), "a list")
        if isinstance(said, str) or not hasattr(said, "__iter__"):
            raise Fail(f"a {type(said).__name__}", "a list of versions", "return the versions as a list of texts")
        found = [str(version) for version in said]
        if found != list(case.right):
            what = f"{', '.join(found) or 'no version'} for the content {case.content!r}"
            raise Fail(what, ", ".join(case.right) or "no version", **_why_lineage(case, found))


def _why_lineage(case: Shelf, found: list[str]) -> dict[str, str]:
    if sorted(found) == sorted(case.right):
        return {"cause": "in the order of `runs`, where version 10 comes after 9"}
    if len(found) != len(set(found)):
        return {"cause": "each version once"}
    for version in [each for each in found if each not in case.right]:
        if version not in case.runs:
            return {"cause": "a version is a key of `runs`"}
        run = case.runs[version]
        listed = case.listings[run["data"]]
        if case.content in listed.values():
            return {
                "cause": "its data version holds that content, on a day that the model did not learn from: look at `days`"
            }
        return {"cause": "it learnt from that *day*, with another content: compare contents, not days"}
    return {
        "question": f"What does the listing of version {next(v for v in case.right if v not in found)} say about its days?"
    }


@cache
def _day() -> tuple[Any, Any]:
    from labsupport.data.deploy_contract import contract, deliveries

    days = deliveries(15, per_day=3_000, seed=614)
    return days[14], contract(days[:14])


def missing(of_failed: int, of_others: int) -> tuple[bool, float, float, float]:
    """Break so many percent of a day's failed deploys and of its others, and send the day through the real gate.

    Return whether it is open, the share of bad rows, and the share of failed deploys in all rows and in the good ones.
    """
    import numpy as np
    import pandas as pd

    from labsupport.data.quality import inspect

    day, rules = _day()
    failed = day["failed"].to_numpy(dtype=bool)
    broken = np.zeros(len(day), dtype=bool)
    for percent, group in ((of_failed, failed), (of_others, ~failed)):
        where = np.flatnonzero(group)
        # Spread over the day, so that nothing else moves.
        broken[where[np.arange(len(where)) * percent % 100 < percent]] = True
    lines = day["lines_changed"].to_numpy()
    batch = day.assign(lines_changed=np.where(broken, -lines, lines))
    report = inspect(batch, rules, now=pd.Timestamp(day["time"].max()))
    good, _ = report.split(batch)
    rest = float(good["failed"].mean()) if len(good) else 0.0
    return report.passed, report.bad_share, float(failed.mean()), rest


def every_word() -> set[str]:
    """Return the verdicts that the batches ask for."""
    return {batch.wanted for batch in BATCHES}
