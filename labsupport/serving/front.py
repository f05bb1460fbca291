"""What people ask a model: named values in the words of their trade, checked, and an answer with what to doubt about it.

Each front is a contract (a pydantic model of the question), the columns that the model sees of it, and the answer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, create_model

from labsupport.ml import deploy_columns
from labsupport.serving import predictor
from labsupport.serving.artefact import Column, outside
from labsupport.serving.card import ServingCard
from labsupport.serving.protocol import ProtocolError, Tensors

PROBABILITIES = "probabilities"


class Deploy(BaseModel):
    """A deploy before it goes out, in the fields of its record."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    lines_changed: Annotated[int, Field(ge=1, le=10_000_000)]
    files_changed: Annotated[int, Field(ge=1, le=1_000_000)]
    author_deploys: Annotated[int, Field(ge=0, le=1_000_000)]
    tests_failed_before: Annotated[int, Field(ge=0, le=100_000)]
    coverage: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
    dependency_bump: bool
    friday: bool
    hour: Annotated[float, Field(ge=0, lt=24, allow_inf_nan=False)]


@dataclass(frozen=True)
class Front:
    """`question`: the contract of a body; `columns`: arrays by name -> the model's; `answer`: its outputs -> for people."""

    question: type[BaseModel]
    columns: Callable[[dict[str, Any]], dict[str, Any]]
    answer: Callable[[ServingCard, Tensors], dict[str, Any]]


@dataclass(frozen=True)
class Question:
    """A question that keeps the contract: the model's row (1, k), and a sentence for each value it never learnt from."""

    row: NDArray[np.float32]
    doubts: list[str]


def read(front: Front, card: ServingCard, body: Any) -> Question:
    """Check a body (a mapping, as JSON gives it) and compute the model's row; raises ProtocolError (422)."""
    try:
        asked = front.question.model_validate(body).model_dump()
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors()[:8])
        raise ProtocolError(said[:1000]) from None
    seen = front.columns({name: np.array([value], dtype=float) for name, value in asked.items()})
    row = np.array([[seen[column.name].item() for column in card.columns]], dtype=np.float32)
    return Question(
        row, outside(card.columns, {name: np.asarray(values, dtype=float) for name, values in seen.items()})
    )


def of(card: ServingCard) -> Front | None:
    """Return the front that a card names, or one that asks for the model's own columns; None for columns without names.

    Raises ValueError for a front that is not known here.
    """
    if card.front is not None:
        if card.front not in FRONTS:
            raise ValueError(f"the card names the front {card.front!r}; known are {', '.join(FRONTS)}")
        return FRONTS[card.front]
    return Front(_contract(card.columns), lambda values: values, _plain) if card.columns else None


def _contract(columns: list[Column]) -> type[BaseModel]:
    fields: dict[str, Any] = {column.name: (FiniteFloat, ...) for column in columns}
    return create_model("Row", __config__=ConfigDict(strict=True, extra="forbid"), **fields)


def _plain(card: ServingCard, outputs: Tensors) -> dict[str, Any]:
    return {name: array[0].tolist() for name, array in outputs.items()}


def _risk(card: ServingCard, outputs: Tensors) -> dict[str, Any]:
    probability = float(outputs[PROBABILITIES][0, 1])
    answer: dict[str, Any] = {"probability_of_failure": probability}
    if card.threshold is not None:
        answer |= {"threshold": card.threshold, "hold": probability >= card.threshold}
    return answer


def _cpu(card: ServingCard, outputs: Tensors) -> dict[str, Any]:
    (percent,) = outputs.values()
    return {"cpu_percent": float(np.clip(percent.ravel()[0], 0, 100))}


# A card names one of these.
FRONTS = {
    "deploy-risk": Front(Deploy, deploy_columns.columns, _risk),
    "cpu": Front(predictor.Load, predictor.columns, _cpu),
}
