"""A data contract: a pydantic model says what one row is, a few rules say what a whole delivery is.

The model checks one row at a door. `columns_of` reads the same contract, from the model's JSON schema, as rules for whole
columns, so that a million rows are checked in a second by what stands in one place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic import BaseModel

from labsupport.data.profile import Profile

KINDS = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "string": "text", "time": "a time"}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """What one column may hold. `low` and `high` are allowed themselves unless the bound is `open`; None is no bound."""

    name: str
    kind: str
    nullable: bool = False
    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False
    allowed: tuple[Any, ...] = ()
    pattern: str | None = None

    @property
    def wanted(self) -> str:
        """What a value must be, in words."""
        words = KINDS[self.kind]
        if self.allowed:
            words = "one of " + ", ".join(map(str, self.allowed))
        if self.low is not None:
            words += f" {'above' if self.low_open else 'from'} {self.low:g}"
        if self.high is not None:
            words += f" {'below' if self.high_open else 'up to'} {self.high:g}"
        return words + (f" like {self.pattern}" if self.pattern else "")


@dataclass(frozen=True)
class Contract:
    """What a delivery must be, as a whole.

    `row`: the model of a row; `key`: the columns that say which row it is, so that none comes twice; `time`: the column
    that says when it happened; `rows`: fewest and most rows; `max_age`: how old the newest row may be when it is checked;
    `profile`: what the columns looked like when all was well; `shift`: how far a column may move from it (0 to 1, beyond
    chance); `tolerated`: which share of the rows may go to quarantine before the whole delivery stops; `shares`: flags of
    which the usual share is known, whose count on a day must be one that luck makes of it.
    """

    row: type[BaseModel]
    key: tuple[str, ...]
    time: str
    rows: tuple[int, int]
    max_age: timedelta
    profile: Profile | None = None
    shift: float = 0.1
    tolerated: float = 0.05
    shares: Mapping[str, float] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The rules of the columns, in the order of the model's fields."""
        return columns_of(self.row)


def columns_of(row: type[BaseModel]) -> tuple[Column, ...]:
    """Return what a pydantic model says about each field, as rules for columns.

    Understood are whole numbers, numbers, flags, texts, times and literals, bounds (`ge`, `gt`, `le`, `lt`), patterns and
    `| None`. Raises ValueError for a field that says more, so that no rule is silently left out.
    """
    schema = row.model_json_schema()
    return tuple(_column(name, told) for name, told in schema.get("properties", {}).items())


def _column(name: str, told: dict[str, Any]) -> Column:
    options = told.get("anyOf", [told])
    known = [option for option in options if option.get("type") != "null"]
    if len(known) != 1:
        raise ValueError(f"{name}: a column holds one kind of value; the model allows {len(known)}")
    rules = known[0] | {key: value for key, value in told.items() if key != "anyOf"}
    if "const" in rules:
        rules = {key: value for key, value in rules.items() if key != "const"} | {"enum": [rules["const"]]}
    unknown = set(rules) - {
        "type", "title", "description", "format", "default", "enum", "pattern", "examples",
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
    }  # fmt: skip
    kind = "time" if rules.get("format") == "date-time" else rules.get("type")
    if kind != "time" and "format" in rules:
        unknown.add(f"the format {rules['format']}")
    if unknown or kind not in KINDS:
        more = ", ".join(sorted(unknown)) or f"the type {kind}"
        raise ValueError(f"{name}: {more} is not understood for whole columns; simplify the field, or check it by row")
    return Column(
        name,
        kind,
        nullable=len(known) < len(options),
        low=rules.get("minimum", rules.get("exclusiveMinimum")),
        high=rules.get("maximum", rules.get("exclusiveMaximum")),
        low_open="exclusiveMinimum" in rules,
        high_open="exclusiveMaximum" in rules,
        allowed=tuple(rules.get("enum", ())),
        pattern=rules.get("pattern"),
    )
