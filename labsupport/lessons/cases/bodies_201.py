"""Bodies for 201.3, one for each way to be wrong, and which mistakes of a guard explain which wrong answers."""

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Body:
    """A body, the fields that a guard must name, and the cause when it does not.

    `kind`: what is special about it; `shares`: the other kinds on which the same mistake shows.
    """

    kind: str
    fields: dict[str, Any]
    wrong: frozenset[str]
    cause: str
    shares: frozenset[str] = frozenset()


GOOD = {"requests_per_s": 42.0, "replicas": 6}
BOTH = ("requests_per_s", "replicas")


def _body(kind: str, fields: dict[str, Any], wrong: tuple[str, ...], cause: str, *shares: str) -> Body:
    return Body(kind, fields, frozenset(wrong), cause, frozenset(shares))


BODIES = [
    _body("good", GOOD, (), "a good body was refused"),
    _body("lowest", {"requests_per_s": 0, "replicas": 1}, (), "the limits themselves are allowed, 0 too: use `<=`, and don't ask `if not value`", "highest"),
    _body("highest", {"requests_per_s": 500.0, "replicas": 100}, (), "the limits themselves are allowed: use `<=`", "lowest"),
    _body("below", GOOD | {"requests_per_s": -1.0}, ("requests_per_s",), "below the lowest: both limits count", "several"),
    _body("above", GOOD | {"replicas": 101}, ("replicas",), "above the highest: both limits count", "infinite"),
    _body("NaN", GOOD | {"requests_per_s": math.nan}, ("requests_per_s",), "NaN: every comparison with it is False, so `value < low or value > high` lets it pass: ask `not low <= value <= high`"),
    _body("infinite", GOOD | {"replicas": math.inf}, ("replicas",), "infinity lies above every limit"),
    _body("missing", {"requests_per_s": 42.0}, ("replicas",), "a missing field is a problem too: `body.get(name)` gives None for it", "unit", "empty", "None"),
    _body("None", GOOD | {"replicas": None}, ("replicas",), "None is not a number"),
    _body("text", GOOD | {"requests_per_s": "42"}, ("requests_per_s",), "text was accepted: a number in quotes is a text, don't convert it", "bool"),
    _body("bool", GOOD | {"replicas": True}, ("replicas",), "`True` was accepted: in Python a bool is an int, so ask `type(value) in (int, float)`"),
    _body("unknown", GOOD | {"team": "web"}, ("team",), "an unknown field is a problem too: compare the names in `body` with those in `LIMITS`", "unit"),
    _body("unit", {"requests_per_min": 2520, "replicas": 6}, ("requests_per_min", "requests_per_s"), "another unit: the unknown name and the missing one are both wrong, so name all problems", "empty", "several"),
    _body("empty", {}, BOTH, "an empty body lacks both fields", "several"),
    _body("several", {"requests_per_s": -1, "replicas": 0}, BOTH, "you stopped at the first problem: name all of them"),
]  # fmt: skip
INTEGERS = "whole numbers were refused: `int` is welcome where a number is asked for"
FLOATS = "numbers with a point were refused: `float` is welcome where a number is asked for"
NOT_FIELDS = "the names that came back are no fields of the body and no names of `LIMITS`"


def cause_of(wrong: list[tuple[Body, set[str]]]) -> str:
    """Return the mistake that explains every wrong answer (body, what was named), or nothing."""
    for kind, cause in ((int, INTEGERS), (float, FLOATS)):
        if all(
            named - body.wrong == _of_type(body, kind) - body.wrong and body.wrong <= named for body, named in wrong
        ):
            return cause
    if all(named - set(body.fields) - set(BOTH) for body, named in wrong):
        return NOT_FIELDS
    first = wrong[0][0]
    kinds = {body.kind for body, _ in wrong}
    if kinds <= {first.kind, *first.shares} and first.kind != "good":
        return first.cause
    return ""


def text(body: dict[str, Any]) -> str:
    """Return a body in one line."""
    return "{" + ", ".join(f"{name}: {value!r}" for name, value in body.items()) + "}"


def _of_type(body: Body, kind: type) -> set[str]:
    return {name for name, value in body.fields.items() if type(value) is kind and name in BOTH}
