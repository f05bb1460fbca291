"""From a load to the CPU of a replica: the input check, the features and the answer that training and serving share."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

if TYPE_CHECKING:
    import pandas as pd

    from labsupport.serving.artefact import Artefact

UNITS = {"requests_per_s_per_replica": "requests per second and replica", "cpu_percent": "percent of a replica's CPU"}


class InvalidLoad(ValueError):
    """The question breaks the contract; `problems` maps a field to what is wrong with it. It is the client's mistake."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {text}" for field, text in problems.items()))
        self.problems = dict(problems)


class Load(BaseModel):
    """A load on the service: how many requests come per second, and how many replicas (mean ready) share them."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    requests_per_s: Annotated[float, Field(ge=0, le=500, allow_inf_nan=False)]
    replicas: Annotated[float, Field(ge=1, le=100, allow_inf_nan=False)]

    @classmethod
    def checked(cls, body: Any) -> "Load":
        """Return the load that a request's body (a mapping, as JSON gives it) describes; raises InvalidLoad."""
        try:
            return cls.model_validate(body)
        except ValidationError as error:
            raise InvalidLoad({".".join(map(str, e["loc"])) or "body": e["msg"] for e in error.errors()}) from None


class Answer(BaseModel):
    """What is expected: percent of a replica's CPU, and what to doubt about it (an empty list for a familiar load)."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    cpu_percent: float
    doubts: list[str]


def features(loads: "pd.DataFrame") -> "pd.DataFrame":
    """Return what the model sees of loads, a frame (n, 1): the only place where it is computed.

    `loads` (n, ...): has the columns `requests_per_s` and `replicas`; others are left alone. Raises ValueError when one
    of the two is missing or a row has fewer replicas than 1.
    """
    import pandas as pd

    missing = [name for name in Load.model_fields if name not in loads]
    if missing:
        raise ValueError(
            f"a table of loads has the columns {', '.join(Load.model_fields)}; missing: {', '.join(missing)}"
        )
    if (loads["replicas"] < 1).any():
        raise ValueError("a load is shared by 1 replica or more; the table has rows with fewer")
    return pd.DataFrame(columns(loads))


def columns(loads: "pd.DataFrame | Mapping[str, Any]") -> dict[str, Any]:
    """Return the columns by name, from anything that has loads by name: a server without pandas computes the same."""
    return {"requests_per_s_per_replica": loads["requests_per_s"] / loads["replicas"]}


def infer(artefact: "Artefact", body: Any) -> Answer:
    """Check a request's body, compute its features and answer; raises InvalidLoad, which is a 422 and never a 500."""
    import pandas as pd

    load = Load.checked(body)
    row = features(pd.DataFrame([load.model_dump()]))
    return Answer(cpu_percent=float(np.clip(artefact.predict(row)[0], 0, 100)), doubts=artefact.outside(row))
