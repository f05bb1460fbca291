"""What people ask a model: named values in the words of their trade, checked, and an answer with what to doubt about it.

Each front is a contract of the question, the columns that the model sees of it, and the answer. Contracts are imported
when the first question comes (or `prepare` is called), not when the server starts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labsupport.data.features import FEATURES
from labsupport.ml import deploy_columns
from labsupport.serving.card import ServingCard, outside
from labsupport.serving.protocol import ProtocolError, Tensors

PROBABILITIES = "probabilities"
# Beyond it a float32, in which the model counts, is infinite.
LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Front:
    """`check`: a body -> its values by name, or ProtocolError; `columns`: arrays by name -> those that the model sees;
    `answer`: the model's outputs for one row -> what people read; `sees`: the names of the columns, in order; `looks_up`: the
    question names an entity, and a feature server knows its values."""

    check: Callable[[Any], dict[str, Any]]
    columns: Callable[[dict[str, Any]], dict[str, Any]]
    answer: Callable[[ServingCard, Tensors], dict[str, Any]]
    sees: tuple[str, ...]
    looks_up: bool = False


@dataclass(frozen=True)
class Question:
    """A question that keeps the contract: the model's row (1, k), and a sentence for each value it never learnt from."""

    row: NDArray[np.float32]
    doubts: list[str]


def read(front: Front, card: ServingCard, body: Any) -> Question:
    """Check a body (a mapping, as JSON gives it) and compute the model's row; raises ProtocolError (422)."""
    return computed(front, card, front.check(body))


def computed(front: Front, card: ServingCard, values: dict[str, Any]) -> Question:
    """Compute the model's row of values that were checked, or looked up."""
    asked = {name: np.array([value], dtype=float) for name, value in values.items()}
    seen = {name: np.asarray(values, dtype=float) for name, values in front.columns(asked).items()}
    row = np.array([[seen[column.name].item() for column in card.columns]], dtype=np.float32)
    return Question(row, outside(card.columns, seen))


def of(card: ServingCard) -> Front | None:
    """Return the front that a card names, or one that asks for the model's own columns; None for columns without names.

    Raises ValueError for a front that is not known here, and for a model that sees other columns than the front makes.
    """
    names = tuple(column.name for column in card.columns)
    if card.front is None:
        return Front(_columns_by_name(names), lambda values: values, _plain, names) if names else None
    front = FRONTS.get(card.front)
    if front is None:
        raise ValueError(f"the card names the front {card.front!r}; known are {', '.join(FRONTS)}")
    if names != front.sees:
        raise ValueError(
            f"the front {card.front!r} makes the columns {', '.join(front.sees)}; the model has {', '.join(names)}"
        )
    return front


def prepare() -> None:
    """Import the contracts, so that the first question need not wait for them."""
    from labsupport.serving import questions  # noqa: F401


def _columns_by_name(names: tuple[str, ...]) -> Callable[[Any], dict[str, Any]]:
    def check(body: Any) -> dict[str, Any]:
        if body.keys() != set(names):
            odd = sorted(body.keys() ^ set(names))[:8]
            raise ProtocolError(
                f"the model's columns are {', '.join(names)}"[:500] + f"; missing or not known: {', '.join(odd)}"[:200]
            )
        for name, value in body.items():
            if type(value) not in (int, float) or not abs(value) <= LARGEST or not isfinite(value):
                raise ProtocolError(f"{name}: a finite number is expected, within the range of float32")
        return dict(body)

    return check


def _deploy(body: Any) -> dict[str, Any]:
    from labsupport.serving import questions

    return questions.checked(questions.Deploy, body)


def _load(body: Any) -> dict[str, Any]:
    from labsupport.serving import questions

    return questions.checked(questions.Load, body)


def _region(body: Any) -> dict[str, Any]:
    from labsupport.serving import questions

    return questions.checked(questions.Region, body)


def _per_replica(values: dict[str, Any]) -> dict[str, Any]:
    from labsupport.serving import predictor

    return predictor.columns(values)


def _plain(card: ServingCard, outputs: Tensors) -> dict[str, Any]:
    return {name: np.asarray(array[0]).tolist() for name, array in outputs.items()}


def _risk(card: ServingCard, outputs: Tensors) -> dict[str, Any]:
    probability = float(outputs[PROBABILITIES][0, 1])
    answer: dict[str, Any] = {"probability_of_failure": probability}
    if card.threshold is not None:
        answer |= {"threshold": card.threshold, "hold": probability >= card.threshold}
    return answer


def _cpu(card: ServingCard, outputs: Tensors) -> dict[str, Any]:
    (percent,) = outputs.values()
    return {"cpu_percent": float(np.clip(percent.ravel()[0], 0, 100))}


def _load_later(card: ServingCard, outputs: Tensors) -> dict[str, Any]:
    (load,) = outputs.values()
    return {"load_in_30_min": max(0.0, float(load.ravel()[0]))}


# A card names one of these.
FRONTS = {
    "deploy-risk": Front(_deploy, deploy_columns.columns, _risk, deploy_columns.COLUMNS),
    "cpu": Front(_load, _per_replica, _cpu, ("requests_per_s_per_replica",)),
    "load-forecast": Front(_region, dict, _load_later, tuple(FEATURES), looks_up=True),
}
