"""The contract of the deploy records that three teams deliver each day, and such days, good and bad."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from labsupport.data import damage
from labsupport.data.contracts import Contract
from labsupport.data.profile import Profile
from labsupport.world import deploy_records

if TYPE_CHECKING:
    import pandas as pd

TEAMS = ("payments", "search", "web")
DAY = timedelta(days=1)


class Deploy(BaseModel):
    """One deploy of one team. Units stand in the descriptions; who has no test report leaves `coverage` out."""

    model_config = ConfigDict(extra="forbid", strict=True)

    deploy_id: Annotated[str, Field(pattern=r"^d-\d{6}$")]
    team: Literal["payments", "search", "web"]
    time: Annotated[datetime, Field(description="start, UTC")]
    lines_changed: Annotated[int, Field(ge=1, le=200_000, description="lines added or removed")]
    files_changed: Annotated[int, Field(ge=1, le=20_000)]
    author_deploys: Annotated[int, Field(ge=0, description="deploys the author did before")]
    tests_failed_before: Annotated[int, Field(ge=0, le=1_000, description="failed runs of the branch")]
    coverage: Annotated[float, Field(ge=0, le=1, description="share of lines that tests reach")] | None
    dependency_bump: bool
    failed: bool


def deliveries(days: int, *, per_day: int = 300, seed: int = 0) -> list["pd.DataFrame"]:
    """Return the deploys of so many days, a frame a day, as they should come: columns of `Deploy`, in order of time.

    One in twenty has no coverage. The teams are alike.
    """
    import pandas as pd

    records = deploy_records(days * per_day, seed=seed)[0]
    day = np.repeat(np.arange(days), per_day)
    # The hour stays that of the record, because it matters; days of equal size: weekends and seasons are no subject here.
    time = (
        pd.Timestamp("2024-03-04") + pd.to_timedelta(day, unit="D") + (records["time"] - records["time"].dt.floor("D"))
    )
    frame = records[["lines_changed", "files_changed", "author_deploys", "tests_failed_before", "coverage", "dependency_bump", "failed"]]  # fmt: skip
    frame = damage.missing_at_random(frame, "coverage", 0.05, seed)
    frame.insert(0, "team", np.random.default_rng([seed, 502]).choice(TEAMS, len(frame)))
    frame.insert(1, "time", time.dt.tz_localize("UTC"))
    frame = frame.sort_values("time", kind="stable", ignore_index=True)
    frame.insert(0, "deploy_id", [f"d-{number:06}" for number in range(len(frame))])
    return [frame[start : start + per_day].reset_index(drop=True) for start in range(0, len(frame), per_day)]


def contract(history: "list[pd.DataFrame]", *, tolerated: float = 0.05, counted: tuple[str, ...] = ()) -> Contract:
    """Return the contract of a day's delivery, with the profile of days on which all was well.

    Of the flags in `counted` it learns the usual share, and a day's count must be one that luck makes of it.
    """
    import pandas as pd

    sizes = [len(day) for day in history]
    profile = Profile.of(pd.concat(history, ignore_index=True), leave_out=("deploy_id", "time"))
    rows = (round(0.5 * min(sizes)), round(2 * max(sizes)))
    usual = {name: float(pd.concat(history)[name].mean()) for name in counted}
    return Contract(Deploy, ("deploy_id",), "time", rows, 2 * DAY, profile, tolerated=tolerated, shares=usual)


def _text(day: "pd.DataFrame", dose: float, seed: int) -> "pd.DataFrame":
    met = damage.chosen(np.ones(len(day), dtype=bool), dose, seed)
    return day.assign(coverage=day["coverage"].astype(object).mask(met, "n/a"))


def _negative(day: "pd.DataFrame", dose: float, seed: int) -> "pd.DataFrame":
    return damage.mixed_units(day, "lines_changed", -1, dose, seed)


def _wrong_join(day: "pd.DataFrame", dose: float, seed: int) -> "pd.DataFrame":
    met = np.flatnonzero(damage.chosen(np.ones(len(day), dtype=bool), dose, seed))
    outcome = day["failed"].to_numpy().copy()
    # Each of them gets the outcome of the next one, as after a join by position.
    outcome[met] = outcome[np.roll(met, -1)]
    return day.assign(failed=outcome)


def _blamed(day: "pd.DataFrame", dose: float, seed: int) -> "pd.DataFrame":
    share = min(1.0, dose * float(day["failed"].sum()) / max(1.0, float((~day["failed"]).sum())))
    return day.assign(failed=damage.wrong_labels(day["failed"], {False: share}, seed) if day["failed"].any() else day["failed"])  # fmt: skip


def _no_labels(day: "pd.DataFrame", dose: float, seed: int) -> "pd.DataFrame":
    return day.assign(failed=damage.wrong_labels(day["failed"], {True: dose}, seed) if day["failed"].any() else day["failed"])  # fmt: skip


def _one_team(day: "pd.DataFrame", dose: float, seed: int) -> "pd.DataFrame":
    return damage.without_slice(day, day["team"] == "web", dose, seed).reset_index(drop=True)


# What happens to deliveries, each with a dose.
FAULTS: Mapping[str, Callable[["pd.DataFrame", float, int], "pd.DataFrame"]] = {
    "percent among shares": lambda day, dose, seed: damage.mixed_units(day, "coverage", 100, dose, seed),
    "coverage lost": lambda day, dose, seed: damage.missing_at_random(day, "coverage", dose, seed),
    "low coverage unreported": lambda day, dose, seed: damage.missing_low_values(day, "coverage", dose),
    "text for numbers": _text,
    "negative sizes": _negative,
    "delivered twice": damage.repeated_rows,
    "a team left out": _one_team,
    "unrecorded failures": _no_labels,
    "wrongly blamed": _blamed,
    "outcome of another deploy": _wrong_join,
}


def training_rows(days: "list[pd.DataFrame]") -> "pd.DataFrame":
    """Return the rows of days as `labsupport.ml.deploy_risk.features` wants them; days of equal kind have no Friday."""
    import pandas as pd

    rows = pd.concat(days, ignore_index=True)
    return rows.assign(hour=rows["time"].dt.hour, friday=False)
