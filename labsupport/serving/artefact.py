"""A trained model on disk: its numbers in a file that can't run code, and a card that says what they mean.

The card holds the file's SHA-256, which finds a file that was damaged or exchanged by mistake. Who can write both files
can forge both: against that, files are signed.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from labsupport import __version__
from labsupport.arrays import FloatArray
from labsupport.serving.card import outside
from labsupport.serving.protocol import said_rows

if TYPE_CHECKING:
    import pandas as pd

MODEL, CARD = "model.skops", "card.json"
# What may be built from a file beside what skops itself knows (numpy, scikit-learn): our own estimators, by name.
TRUSTED = frozenset({"labsupport.ml.linear.LinearRegression", "labsupport.ml.linear.GradientDescentRegression"})
VERSIONED = ("numpy", "scikit-learn", "skops")


class ArtefactError(ValueError):
    """A model can't be saved, loaded or asked like this; the text says what was found and what to do."""


class Column(BaseModel):
    """A column: its unit, and the range of the examples that the model learnt from."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    name: str
    unit: str = Field(min_length=1)
    low: FiniteFloat
    high: FiniteFloat


class Card(BaseModel):
    """What stands beside a model: columns in their order, target, count of examples, versions, SHA-256 of the file."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    columns: list[Column] = Field(min_length=1)
    target: Column
    examples: int = Field(ge=1)
    versions: dict[str, str]
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


@dataclass(frozen=True)
class Artefact:
    """A model with its card; ask it by `predict`, which holds every table to the card."""

    model: Any
    card: Card

    def predict(self, features: "pd.DataFrame") -> FloatArray:
        """Return the target for each row of `features` (n, k), whose columns have the card's names and order: (n,).

        Raises ArtefactError for other columns, another order, text, and missing or infinite values, in the answers, too.
        """
        wanted, found = [column.name for column in self.card.columns], [str(name) for name in features.columns]
        if sorted(found) != sorted(wanted):
            raise ArtefactError(f"the model learnt from the columns {_listed(wanted)}; got {_listed(found)}")
        if found != wanted:
            raise ArtefactError(
                f"the columns stand in another order than when the model learnt: got {_listed(found)}, expected "
                f"{_listed(wanted)}; select them by name, `table[{wanted}]`"
            )
        _require_numbers(features)
        answers = np.asarray(self.model.predict(features), dtype=float)
        if not np.isfinite(answers).all():
            raise ArtefactError(f"the model gives no finite number for {said_rows(~np.isfinite(answers))}")
        return answers

    def outside(self, features: "pd.DataFrame") -> list[str]:
        """Return a sentence for each column of `features` (n, k) that leaves the range of the examples."""
        return outside(self.card.columns, features)


def save(model: Any, folder: Path, features: "pd.DataFrame", target: "pd.Series", units: Mapping[str, str]) -> Card:
    """Write a fitted model and its card into a folder, which is made, and return the card.

    `features` (n, k) and `target` (n,): the examples that it learnt from; `units`: the unit of each of these columns
    and of the target. Raises ArtefactError for a column without a unit and for a model of a type that `load` would
    refuse.
    """
    import skops.io

    names = [str(name) for name in features.columns]
    without = [name for name in (*names, str(target.name)) if not units.get(name)]
    if without:
        raise ArtefactError(f"{_listed(without)} has no unit: name one in `units`, such as 'requests per second'")
    _require_numbers(features)
    _require_numbers(target.to_frame())
    try:
        stored = skops.io.dumps(model)
    except TypeError as error:
        kind = type(model).__name__
        raise ArtefactError(f"a {kind} holds something that can't be stored as plain data: {error}") from None
    _require_trusted(stored)
    card = Card(
        columns=[_column(features[name], units) for name in features.columns],
        target=_column(target, units),
        examples=len(features),
        versions={"labsupport": __version__} | {name: version(name) for name in VERSIONED},
        sha256=hashlib.sha256(stored).hexdigest(),
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MODEL).write_bytes(stored)
    (folder / CARD).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return card


def load(folder: Path) -> Artefact:
    """Read a model and its card back.

    Before anything is built from the file, its SHA-256 must be the card's, its types must be trusted, and scikit-learn
    must be of the release (major and minor) that wrote it. Raises ArtefactError where one of these does not hold.
    """
    import skops.io

    try:
        card = Card.model_validate_json((folder / CARD).read_bytes())
        stored = (folder / MODEL).read_bytes()
    except FileNotFoundError as error:
        missing = Path(error.filename).name
        raise ArtefactError(f"{missing} is missing: an artefact is {MODEL} and {CARD}, written by `save`") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole document"
        raise ArtefactError(f"{CARD} is not a card: {where}: {first['msg']}") from None
    digest = hashlib.sha256(stored).hexdigest()
    if digest != card.sha256:
        raise ArtefactError(
            f"{MODEL} is not the file of its card: SHA-256 {digest[:12]}..., the card says {card.sha256[:12]}...; "
            "fetch both again from where they were saved"
        )
    then, now = card.versions.get("scikit-learn", "unknown"), version("scikit-learn")
    if _release(then) != _release(now):
        raise ArtefactError(
            f"the model was saved by scikit-learn {then}, here is {now}: train again, or install {then}"
        )
    _require_trusted(stored)
    return Artefact(skops.io.loads(stored, trusted=sorted(TRUSTED)), card)


def _require_trusted(stored: bytes) -> None:
    import skops.io

    strange = sorted(set(skops.io.get_untrusted_types(data=stored)) - TRUSTED)
    if strange:
        raise ArtefactError(
            f"the file holds types that are not trusted: {_listed(strange)}; nothing was loaded. Trusted are numpy, "
            f"scikit-learn and {_listed(sorted(TRUSTED))}"
        )


def _require_numbers(table: "pd.DataFrame") -> None:
    if not len(table):
        raise ArtefactError("the table has no rows: there is nothing to learn from or to answer")
    for name in table.columns:
        if table[name].dtype.kind not in "fiu":
            raise ArtefactError(f"{name} does not hold numbers but {table[name].dtype}: convert it where it is read")
        if not np.isfinite(table[name].to_numpy(dtype=float)).all():
            raise ArtefactError(
                f"{name} has missing or infinite values: drop these rows, or answer that you don't know"
            )


def _column(values: "pd.Series", units: Mapping[str, str]) -> Column:
    name = str(values.name)
    return Column(name=name, unit=units[name], low=float(values.min()), high=float(values.max()))


def _release(full: str) -> str:
    return ".".join(full.split(".")[:2])


def _listed(names: list[str]) -> str:
    return ", ".join(names) if names else "none"


__all__ = ["CARD", "MODEL", "TRUSTED", "Artefact", "ArtefactError", "Card", "Column", "load", "save"]
