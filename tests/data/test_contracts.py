"""One contract, two readers: whole columns get the verdicts that the pydantic model gives row by row."""

import math
from datetime import date, datetime
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError

from labsupport.data.contracts import Column, columns_of
from labsupport.data.deploy_contract import Deploy, deliveries
from labsupport.data.rowchecks import repeated, violations


class Row(BaseModel):
    name: Annotated[str, Field(pattern=r"^a\d$")]
    kind: Literal["x", "y"]
    whole: Annotated[int, Field(ge=0, le=5)]
    share: Annotated[float, Field(gt=0, lt=1)] | None
    flag: bool
    at: datetime


MOMENT = datetime(2024, 5, 1, 12)
GOOD: dict[str, Any] = {"name": "a1", "kind": "x", "whole": 3, "share": 0.5, "flag": True, "at": MOMENT}
NUMBERS = st.one_of(
    st.none(), st.integers(-2, 8), st.floats(-2, 8), st.sampled_from([math.inf, -math.inf, 0.0, 1.0, 5.0])
)
VALUES = {
    "name": st.one_of(st.none(), st.sampled_from(["a1", "a12", "b1", "a1\n", "", "a"]), st.integers(0, 3)),
    "kind": st.one_of(st.none(), st.sampled_from(["x", "y", "z", ""]), st.integers(0, 3)),
    "whole": st.one_of(NUMBERS, st.sampled_from(["3", "n/a"])),
    "share": st.one_of(NUMBERS, st.sampled_from(["0.5", "n/a"])),
    "flag": st.one_of(st.none(), st.booleans(), st.sampled_from(["true", 0, 1, 0.5])),
    "at": st.one_of(st.none(), st.just(MOMENT), st.sampled_from(["2024-05-01", 7])),
}


def judged_by_the_model(row: dict[str, Any]) -> set[str]:
    """Return the fields that pydantic refuses, with 3.0 for 3, which is how a frame stores it beside a missing value."""
    whole = row["whole"]
    if isinstance(whole, float) and math.isfinite(whole) and whole.is_integer():
        row = row | {"whole": int(whole)}
    # The contract has no infinite numbers; pydantic has, where a bound allows them.
    infinite = {name for name in ("whole", "share") if isinstance(row[name], float) and math.isinf(row[name])}
    try:
        Row.model_validate(row, strict=True)
    except ValidationError as error:
        return {str(each["loc"][0]) for each in error.errors()} | infinite
    return infinite


@given(st.lists(st.fixed_dictionaries(VALUES), min_size=1, max_size=5))
def test_columns_and_model_refuse_the_same_values(rows: list[dict[str, Any]]) -> None:
    frame = pd.DataFrame(rows, dtype=object)
    found: list[set[str]] = [set() for _ in rows]
    for violation in violations(frame, columns_of(Row)):
        for row in violation.rows:
            found[row].add(violation.column)
    assert found == [judged_by_the_model(row) for row in rows]


@given(st.lists(st.one_of(st.none(), st.integers(-2, 8)), min_size=1, max_size=6))
def test_how_a_frame_stores_numbers_makes_no_difference(numbers: list[int | None]) -> None:
    rule = [Column("whole", "integer", low=0, high=5)]
    stored = [pd.Series(numbers, dtype=kind) for kind in ("object", "float64", "Int64")]
    verdicts = [
        {(v.reason, tuple(v.rows)) for v in violations(pd.DataFrame({"whole": values}), rule)} for values in stored
    ]
    assert verdicts[0] == verdicts[1] == verdicts[2]


def test_the_deploys_contract_is_read_from_its_model() -> None:
    rules = {column.name: column for column in columns_of(Deploy)}
    assert list(rules) == list(deliveries(1)[0].columns)
    assert rules["coverage"] == Column("coverage", "number", nullable=True, low=0, high=1)
    assert rules["team"].allowed == ("payments", "search", "web")
    assert rules["lines_changed"].wanted == "a whole number from 1 up to 200000"
    assert rules["time"].kind == "time"


def test_days_on_which_all_is_well_break_nothing_and_each_row_passes_the_model() -> None:
    for day in deliveries(3, per_day=40, seed=2):
        assert violations(day, columns_of(Deploy)) == []
        for row in day.astype(object).mask(day.isna(), other=None).to_dict("records"):
            Deploy.model_validate(row)


def test_a_rule_that_columns_cannot_have_is_refused_and_not_left_out() -> None:
    class Odd(BaseModel):
        tags: list[str]

    class Stepped(BaseModel):
        number: Annotated[int, Field(multiple_of=5)]

    class Either(BaseModel):
        value: int | str

    class Dated(BaseModel):
        day: date

    with pytest.raises(ValueError, match="day: the format date is not understood"):
        columns_of(Dated)
    with pytest.raises(ValueError, match="tags: items is not understood"):
        columns_of(Odd)
    with pytest.raises(ValueError, match="number: multipleOf is not understood"):
        columns_of(Stepped)
    with pytest.raises(ValueError, match="value: a column holds one kind of value; the model allows 2"):
        columns_of(Either)


def test_a_row_that_comes_again_is_told_from_one_that_contradicts() -> None:
    frame = pd.DataFrame({"id": [1, 2, 1, 2, 1], "value": [0.5, np.nan, 0.5, 7.0, 0.5]})
    found = {violation.reason: violation.rows.tolist() for violation in repeated(frame, ["id"])}
    assert found == {"repeated": [2, 4], "contradicts an earlier row": [3]}
    assert repeated(frame[:2], ["id"]) == []


def test_a_missing_value_is_a_reason_only_where_it_is_not_allowed() -> None:
    frame = pd.DataFrame({"a": [1.0, np.nan], "b": [1.0, np.nan]})
    found = violations(frame, [Column("a", "number"), Column("b", "number", nullable=True)])
    assert [(violation.column, violation.reason, violation.rows.tolist()) for violation in found] == [("a", "missing", [1])]  # fmt: skip
