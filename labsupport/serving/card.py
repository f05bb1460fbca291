"""What a model's file says of itself: columns with units and ranges, who may ask in which words, and its parity test.

The card is stored as metadata inside the ONNX file, so the two can't be parted. It is read when a server starts: without
pydantic, which would be a third of that start.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pandas as pd

CARD_KEY = "labsupport.card"
# The name of every model file: in a folder, and among the artifacts of a registered version.
MODEL = "model.onnx"


class CardError(ValueError):
    """A card can't be read; the text says what is wrong with it."""


@dataclass(frozen=True)
class Column:
    """A column: its unit, and the range of the examples that the model learnt from."""

    name: str
    unit: str
    low: float
    high: float


@dataclass(frozen=True)
class Parity:
    """How the exported model was compared with the one it came from: on how many rows, and how far they were apart."""

    rows: int
    largest_difference: float
    tolerance: float


@dataclass(frozen=True)
class ServingCard:
    """`columns`: those of the model's only input, in order; empty when they have no names, as pixels. `front`: by which
    questions people may ask it (a name in `labsupport.serving.front`), or None. `threshold`: the probability from which
    it says yes, for a model that decides."""

    columns: tuple[Column, ...]
    parity: Parity
    versions: dict[str, str]
    front: str | None = None
    threshold: float | None = None

    def text(self) -> str:
        """Return it as it is stored."""
        return json.dumps(asdict(self), allow_nan=False)

    @classmethod
    def read(cls, stored: str) -> "ServingCard":
        """Return the card that a file holds; raises CardError for another text."""
        try:
            said = json.loads(stored)
            columns, parity = tuple(Column(**item) for item in said.pop("columns")), Parity(**said.pop("parity"))
            card = cls(columns=columns, parity=parity, **said)
            _require([column.name for column in columns], str)
            _require([card.threshold or 0, *(end for column in columns for end in (column.low, column.high))], float)
            return card
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise CardError(f"the card in the model's file is damaged ({error}); export it again") from None


class Range(Protocol):
    """Whatever has a name, a lowest and a highest value."""

    @property
    def name(self) -> str: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


def outside(columns: Sequence[Range], features: "pd.DataFrame | Mapping[str, Any]") -> list[str]:
    """Return a sentence for each of `columns` whose values in `features`, arrays by name, leave the examples' range."""
    found = []
    for column in columns:
        low, high = float(features[column.name].min()), float(features[column.name].max())
        if low < column.low or high > column.high:
            got = f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"
            found.append(f"{column.name} is {got}; the model learnt from {column.low:.4g} to {column.high:.4g}")
    return found


def _require(values: list[Any], kind: type) -> None:
    for value in values:
        good = isinstance(value, str) if kind is str else type(value) in (int, float) and isfinite(value)
        if not good:
            raise ValueError(f"{value!r} stands where a {'name' if kind is str else 'number'} should")
