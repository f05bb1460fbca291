"""Cases of lesson 605: answers of a feature server with ages that are known, and histories of a store to play an alert on."""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from labsupport.monitoring.alerts import Labels, Rule, firing
from labsupport.monitoring.endpoint import Sample

REGIONS = ("america", "asia", "europe")
FEATURES = ("load_10", "growth", "clock_sin", "clock_cos")
METRIC = "feature_written_timestamp_seconds"
NEVER = "1970-01-01T00:00:00Z"
BEGIN = 1_790_000_000.0
LOOK_S = 30
RUN_S = 300


def text(seconds: float) -> str:
    """Return a time as Feast's server writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + "Z"


def answer(
    ages: dict[str, Sequence[float] | float], now: float, order: Sequence[str], status: str = "NOT_FOUND"
) -> dict[str, Any]:
    """Return what a server says of regions whose rows are so old (one age, or one for each feature), inf for not known.

    `order`: of the columns, with `region` among them.
    """
    each = {name: [age] * len(FEATURES) if isinstance(age, (int, float)) else list(age) for name, age in ages.items()}
    columns: dict[str, dict[str, Any]] = {
        "region": {"values": list(ages), "statuses": ["PRESENT"] * len(ages), "event_timestamps": [NEVER] * len(ages)}
    }
    for at, feature in enumerate(FEATURES):
        mine = [row[at] for row in each.values()]
        columns[feature] = {
            "values": [0.5 if math.isfinite(age) else None for age in mine],
            "statuses": ["PRESENT" if math.isfinite(age) else status for age in mine],
            "event_timestamps": [text(now - age) if math.isfinite(age) else NEVER for age in mine],
        }
    return {"results": [columns[name] for name in order], "metadata": {"feature_names": list(order)}}


@dataclass(frozen=True)
class Asked:
    """A question with the ages that are right; `told`: what is special about it."""

    ages: dict[str, Sequence[float] | float]
    order: Sequence[str]
    told: str
    status: str = "NOT_FOUND"

    @property
    def right(self) -> dict[str, float]:
        return {name: age if isinstance(age, (int, float)) else max(age) for name, age in self.ages.items()}


def questions(rng: random.Random) -> list[Asked]:
    """Return questions of which each tells one way of reading the answer from another."""
    first = ("region", *FEATURES)
    last = (*reversed(FEATURES), "region")
    made = [
        Asked({"asia": 240.0}, first, "one region"),
        Asked({"asia": 240.0, "europe": 10_800.0, "america": 30.0}, first, "three regions"),
        Asked({"asia": 240.0, "europe": 10_800.0}, last, "the region's column last"),
        Asked({"mars": math.inf, "asia": 240.0}, first, "a region that is not known"),
        Asked({"asia": 90.0, "mars": math.inf}, last, "a region that is not known"),
        Asked({"asia": (60.0, 60.0, 7200.0, 60.0)}, first, "one of four values older than the others"),
        Asked({"asia": (60.0, math.inf, 60.0, 60.0)}, first, "one of four values missing"),
        Asked({"asia": (math.inf, 60.0, 60.0, 60.0)}, first, "one of four values missing", "NULL_VALUE"),
        Asked({"asia": math.inf, "europe": 400.0}, first, "a value outside its lifetime", "OUTSIDE_MAX_AGE"),
    ]
    for _ in range(4):
        order = list(first)
        rng.shuffle(order)
        ages: dict[str, Sequence[float] | float] = {name: float(rng.randint(30, 20_000)) for name in REGIONS}
        made.append(Asked(ages, order, "columns in another order"))
    return made


def page(written: dict[str, float]) -> list[Sample]:
    """Return the lines of a page of metrics: when each region's row was written (Unix seconds, 0 for never)."""
    return [Sample(METRIC, {"region": region}, at) for region, at in written.items()]


def history(
    last: Mapping[str, float | None], skipped: Sequence[int] = (), hours: float = 2
) -> list[tuple[float, list[Sample]]]:
    """Return looks of some hours at a store that a job fills each five minutes.

    `last`: for each region the minute of the last run that reached it: None for each run, below 0 for never; `skipped`: the
    runs that fail for all.
    """
    looks = []
    for at in range(0, int(hours * 3600), LOOK_S):
        written = {}
        for region, end in last.items():
            runs = [
                run for run in range(at // RUN_S + 1)
                if run not in skipped and (end is None or run * RUN_S <= end * 60)
            ]  # fmt: skip
            # The job writes what was over half a minute ago.
            written[region] = BEGIN + runs[-1] * RUN_S - 30 if runs else 0.0
        looks.append((BEGIN + at, page(written)))
    return looks


def fired(rule: Rule, looks: list[tuple[float, list[Sample]]]) -> dict[Labels, float]:
    """Return the series for which a rule fired, with the minute of the history at which it first did."""
    first: dict[Labels, float] = {}
    for now, series in firing(rule, looks):
        for labels in series:
            first.setdefault(labels, (now - BEGIN) / 60)
    return first


def played(minutes: int, rule: Rule, hours: int = 6) -> tuple[bool, float]:
    """Play runs that succeed every so many minutes; return whether the rule ever fired, and the share of late answers.

    One answer a second; late is one whose row is older than 900 s.
    """
    period = minutes * 60
    looks = [(BEGIN + at, page({"asia": BEGIN + at - at % period})) for at in range(0, hours * 3600, LOOK_S)]
    late = sum(at % period > 900 for at in range(hours * 3600))
    return bool(fired(rule, looks)), late / (hours * 3600)
