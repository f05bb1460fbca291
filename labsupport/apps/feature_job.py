"""The two ends of the feature pipeline as programs: monitoring's record of raw telemetry, and the job that makes rows of it.

`record` writes a simulated week (Monday to Friday) of three regions that began at a time of ours. `refresh` reads what is over
by now, writes rows of features for the store, and asks the store's server to materialise them.
"""

import argparse
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from labsupport.errors import LabsError

if TYPE_CHECKING:
    import pandas as pd

TELEMETRY = "telemetry.parquet"
MONDAY = "2024-01-01"  # of the simulated week
BACK = "1D"  # how far back materialising looks for each region's newest row


def main(arguments: list[str] | None = None) -> int:
    """Run one of the two; returns 0, or 1 with a sentence."""
    parser = argparse.ArgumentParser(prog="python -m labsupport.apps.feature_job", description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("record", "refresh"))
    parser.add_argument("--store", type=Path, required=True, help="the folder of the feature store")
    parser.add_argument("--seed", type=int, default=0, help="of the simulated week (record)")
    parser.add_argument("--monday", help="when that week began, in UTC (record)")
    parser.add_argument("--server", default="http://127.0.0.1:6566", help="the store's server (refresh)")
    parser.add_argument("--hours-ago", type=float, default=0.0, help="what was known then, instead of now (refresh)")
    parser.add_argument(
        "--rename", action="append", default=[], metavar="OLD=NEW", help="write a region under another name (refresh)"
    )
    options = parser.parse_args(arguments)
    try:
        if options.what == "record":
            print(record(options.store, options.seed, options.monday or MONDAY))
        else:
            print(refresh(options.store, options.server, datetime.now(UTC), options.hours_ago, _names(options.rename)))
    except LabsError as error:
        print(f"feature_job: {error}", file=sys.stderr)
        return 1
    return 0


def _names(pairs: list[str]) -> dict[str, str]:
    if strange := [pair for pair in pairs if not re.fullmatch("[^=]+=.+", pair)]:
        raise LabsError(f"--rename {strange[0]} is no pair of names: write OLD=NEW")
    return dict(pair.split("=", 1) for pair in pairs)


def record(store: Path, seed: int, monday: str) -> str:
    """Write the week's raw telemetry into the store's folder, with its own times and `moved`, what must be added to them.

    Raises LabsError for a `monday` that is no time.
    """
    import pandas as pd

    from labsupport.data.regions import regional_telemetry

    try:
        began = _plain(monday)
    except ValueError as error:
        raise LabsError(f"--monday {monday} is no time ({error}): write it like {MONDAY}T08:00") from None
    telemetry = regional_telemetry(days=5, seed=seed)
    store.mkdir(parents=True, exist_ok=True)
    telemetry.assign(moved=began - pd.Timestamp(MONDAY)).to_parquet(store / TELEMETRY)
    return f"{len(telemetry)} minutes of {', '.join(sorted(telemetry.region.unique()))} are recorded"


def rows(telemetry: "pd.DataFrame", now: "pd.Timestamp", names: dict[str, str]) -> "pd.DataFrame":
    """Return the rows of features that were written by `now` (UTC), with regions renamed. Raises LabsError without any.

    `telemetry`: as `record` wrote it. Features see the simulated clock; `known_at` is told by ours.
    """
    from labsupport.data.features import feature_table

    over = telemetry[telemetry.time + telemetry.moved < now]
    table = feature_table(over)
    if len(over):
        table = table.assign(known_at=table.known_at + over.moved.iloc[0], region=table.region.replace(names))
    table = table[table.known_at <= now]
    if not len(table):
        raise LabsError("the telemetry has no complete window yet: is it of this week?")
    return table


def refresh(store: Path, server: str, now: datetime, hours_ago: float, names: dict[str, str]) -> str:
    """Write rows and let the server materialise them; returns what was done. Raises LabsError."""
    import httpx
    import pandas as pd

    from labsupport.data.store import write_rows

    path = store / TELEMETRY
    if not path.exists():
        raise LabsError(f"there is no {TELEMETRY} on the volume: the Job `record` writes it")
    until = _plain(now) - pd.Timedelta(hours=hours_ago)
    table = rows(pd.read_parquet(path), until, names)
    write_rows(store, table)
    span = {"start_ts": _text(until - pd.Timedelta(BACK)), "end_ts": _text(until)}
    try:
        answer = httpx.post(f"{server}/materialize", json=span, timeout=120, trust_env=False)
    except httpx.HTTPError as error:
        raise LabsError(f"the feature server can't be asked ({type(error).__name__}): is it ready?") from None
    if answer.status_code != 200:
        raise LabsError(f"the feature server said {answer.status_code}: {answer.text[:300]}")
    said = f"{len(table)} rows of {', '.join(sorted(table.region.unique()))}"
    return f"as of {_text(until)}: {said}, the newest {(until - table.known_at.max()).total_seconds():.0f} s old; materialised"


def _plain(time: datetime | str) -> "pd.Timestamp":
    """Return a time in UTC, without saying so, as tables have it."""
    import pandas as pd

    stamp = pd.Timestamp(time)
    return stamp if stamp.tzinfo is None else stamp.tz_convert("UTC").tz_localize(None)


def _text(time: "pd.Timestamp") -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00")


if __name__ == "__main__":
    raise SystemExit(main())
