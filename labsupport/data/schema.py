"""Has the schema changed, or are some values wrong? One is a talk with the producer, the other a row in quarantine."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labsupport.data.contracts import Column
from labsupport.data.rowchecks import Violation, violations

if TYPE_CHECKING:
    import pandas as pd

# Where most of a column breaks one rule it is not the rows that are wrong.
MOST = 0.5


@dataclass(frozen=True)
class SchemaChange:
    """One thing that is different about the table itself: the column, and a sentence."""

    column: str
    what: str


def schema_changes(frame: "pd.DataFrame", columns: Sequence[Column]) -> list[SchemaChange]:
    """Return which columns differ from the contract: those that went, came, were renamed, or stand there twice."""
    known = {column.name for column in columns}
    gone = [column for column in columns if column.name not in frame]
    came = [str(name) for name in frame.columns if name not in known]
    twice = frame.columns[frame.columns.duplicated()].unique()
    found = [SchemaChange(str(name), "stands there twice") for name in twice]
    for column in gone:
        heir = next((name for name in came if _alike(name, column.name) and _fits(frame[name], column)), None)
        if heir is None:
            found.append(SchemaChange(column.name, "is missing"))
        else:
            came.remove(heir)
            found.append(SchemaChange(column.name, f"is missing, and {heir} is new and fits: renamed?"))
    return found + [SchemaChange(name, "is new: the contract does not know it") for name in came]


def changes_of_meaning(broken: Sequence[Violation], rows: int, columns: Sequence[Column]) -> list[SchemaChange]:
    """Return which columns mean something else now: those of which most of the `rows` values break one rule.

    That is another type, another unit or other names: no row is to blame.
    """
    wanted = {column.name: column.wanted for column in columns}
    return [
        SchemaChange(
            each.column,
            f"is {each.reason} in {len(each.rows) / rows:.0%} of the rows (wanted: {wanted[each.column]}): another type, unit or meaning?",
        )
        for each in broken
        if rows and len(each.rows) > MOST * rows
    ]


def _alike(one: str, other: str) -> bool:
    """Whether two names share a word or are nearly spelt the same."""
    from difflib import SequenceMatcher

    words = set(one.lower().split("_")) & set(other.lower().split("_"))
    return bool(words) or SequenceMatcher(None, one.lower(), other.lower()).ratio() > 0.7


def _fits(values: "pd.Series", column: Column) -> bool:
    bad: set[int] = set()
    for broken in violations(values.rename(column.name).to_frame(), [column]):
        bad |= set(broken.rows.tolist())
    return len(bad) <= (1 - MOST) * len(values) if len(values) else False
