"""The contracts of questions that people ask a model; what breaks one is the client's mistake."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from labsupport.serving.predictor import Load
from labsupport.serving.protocol import ProtocolError


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


class Region(BaseModel):
    """Where the load is to be foretold."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    region: Annotated[str, Field(min_length=1, max_length=100)]


def checked(contract: type[BaseModel], body: Any) -> dict[str, Any]:
    """Return the values of a body that keeps a contract; raises ProtocolError (422) with each field's fault."""
    try:
        return contract.model_validate(body).model_dump()
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors()[:8])
        raise ProtocolError(said[:1000]) from None


__all__ = ["Deploy", "Load", "Region", "checked"]
