"""Inspect a delivery by its contract, split it without losing a row, and stop the pipeline where it must stop.

>>> report = inspect(frame, contract, now=now)
>>> good, bad = report.split(frame)  # len(good) + len(bad) == len(frame)
>>> gate(report)  # raises GateClosed, with the report, unless the good rows may go on
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from labsupport.data.contracts import Contract
from labsupport.data.rowchecks import Violation, repeated, violations
from labsupport.data.schema import SchemaChange, changes_of_meaning, schema_changes
from labsupport.errors import LabsError

if TYPE_CHECKING:
    import pandas as pd


# How rarely a good day may be stopped by the count of one flag.
RARE = 0.001


class GateClosed(LabsError):
    """A delivery must not go on; the message is the whole report."""


@dataclass(frozen=True)
class Report:
    """What a delivery of `rows` rows is like. `table`: what is wrong with it as a whole, in sentences."""

    rows: int
    violations: tuple[Violation, ...]
    schema: tuple[SchemaChange, ...]
    table: tuple[str, ...]
    tolerated: float

    @property
    def bad(self) -> NDArray[np.bool_]:
        """Which rows break a rule (rows,)."""
        mask = np.zeros(self.rows, dtype=bool)
        for violation in self.violations:
            mask[violation.rows] = True
        return mask

    @property
    def bad_share(self) -> float:
        """The share of rows that break a rule; 0 of no rows."""
        return float(self.bad.mean()) if self.rows else 0.0

    @property
    def stops(self) -> list[str]:
        """Why the delivery must not go on, in sentences; an empty list where its good rows may."""
        found = [f"schema: {change.column} {change.what}" for change in self.schema]
        found += [f"table: {text}" for text in self.table]
        if self.bad_share > self.tolerated:
            found.append(f"rows: {self.bad_share:.1%} of them are bad, and {self.tolerated:.1%} are tolerated")
        return found

    @property
    def passed(self) -> bool:
        """Whether the good rows may go on."""
        return not self.stops

    def counts(self) -> "pd.DataFrame":
        """Return how many rows break each rule, most first: column, reason, rows."""
        import pandas as pd

        counted = [(violation.column, violation.reason, len(violation.rows)) for violation in self.violations]
        table = pd.DataFrame(counted, columns=["column", "reason", "rows"])
        return table.sort_values("rows", ascending=False, kind="stable", ignore_index=True)

    def split(self, frame: "pd.DataFrame") -> tuple["pd.DataFrame", "pd.DataFrame"]:
        """Return the good rows as they came, and the bad ones with a column `reasons`; together they are all rows."""
        if len(frame) != self.rows:
            raise ValueError(f"this report is about {self.rows} rows; the frame has {len(frame)}")
        bad = self.bad
        words: dict[int, list[str]] = {}
        for violation in self.violations:
            for row in violation.rows:
                words.setdefault(int(row), []).append(f"{violation.column}: {violation.reason}")
        return frame[~bad], frame[bad].assign(reasons=["; ".join(words[row]) for row in np.flatnonzero(bad).tolist()])

    def text(self) -> str:
        """Return the report as people read it: the verdict first."""
        lines = [f"{'PASSED' if self.passed else 'STOPPED'}: {self.rows} rows, {int(self.bad.sum())} of them bad"]
        lines += [f"  stops: {text}" for text in self.stops]
        for _, each in self.counts().iterrows():
            lines.append(f"  {each['rows']:>6} rows  {each['column']}: {each['reason']}")
        return "\n".join(lines)


def inspect(frame: "pd.DataFrame", contract: Contract, *, now: datetime) -> Report:
    """Check a delivery: its schema first, then each row, then the table as a whole. `now` is a time in UTC, unless it has a
    zone.

    Where the schema changed, rows are not judged: a thousand reasons would say what one sentence says.
    """
    columns = contract.columns
    changed = schema_changes(frame, columns)
    broken = [] if changed else violations(frame, columns)
    changed += changes_of_meaning(broken, len(frame), columns)
    if changed:
        return Report(len(frame), (), tuple(changed), (), contract.tolerated)
    broken += repeated(frame, contract.key)
    report = Report(len(frame), tuple(broken), (), (), contract.tolerated)
    good = frame[~report.bad]
    return Report(len(frame), tuple(broken), (), tuple(_table_findings(frame, good, contract, now)), contract.tolerated)


def gate(report: Report) -> None:
    """Let a delivery pass, or raise GateClosed with its report."""
    if not report.passed:
        raise GateClosed(report.text())


def _table_findings(frame: "pd.DataFrame", good: "pd.DataFrame", contract: Contract, now: datetime) -> Sequence[str]:
    import pandas as pd

    least, most = contract.rows
    found = []
    if not least <= len(frame) <= most:
        found.append(f"{len(frame)} rows came; {least} to {most} are usual")
    if len(good):
        moment = pd.Timestamp(now)
        newest = good[contract.time].max()
        moment = moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")
        if newest.tzinfo is None:
            moment = moment.tz_localize(None)
        age = moment - newest
        if age > contract.max_age:
            found.append(f"the newest row is {_hours(age)} old; {_hours(pd.Timedelta(contract.max_age))} are allowed")
        if age < pd.Timedelta(0):
            found.append(f"the newest row lies {_hours(-age)} in the future")
    if contract.profile is not None and len(good):
        for name in contract.profile.columns:
            limit = contract.shift + contract.profile.by_chance(name, len(good))
            distance = contract.profile.distance(name, good[name])
            if distance > limit:
                found.append(f"{name} has moved by {distance:.2f} from its usual distribution; {limit:.2f} is allowed")
    if len(good):
        found += _odd_counts(good, contract.shares)
    return found


def _odd_counts(good: "pd.DataFrame", shares: Mapping[str, float]) -> Iterator[str]:
    """Say of each flag whose count luck would not make of its usual share: one good day in a thousand is taken for one."""
    for name, usual in shares.items():
        count = int(good[name].sum())
        least, most = usual_counts(len(good), usual, 1 - RARE)
        if not least <= count <= most:
            yield f"{name}: true in {count} of {len(good)} rows; {least} to {most} are usual"


def usual_counts(rows: int, share: float, confidence: float) -> tuple[int, int]:
    """Return between which counts luck alone leads, at this confidence: the interval of the binomial distribution.

    As `scipy.stats.binom.interval`, whose import takes 60 MB in every process that opens a gate.
    """
    from scipy.special import bdtr

    likely = bdtr(np.arange(rows + 1), rows, share)
    least, most = np.searchsorted(likely, [(1 - confidence) / 2, (1 + confidence) / 2])
    return int(least), int(most)


def _hours(age: "pd.Timedelta") -> str:
    return f"{age.total_seconds() / 3600:.1f} h"
