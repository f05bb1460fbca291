"""The feature store: a Feast repository in a folder, asked for the past and for now.

Feast is imported when a function needs it: that takes seconds.
"""

import contextlib
import gc
import io
import logging
import shutil
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from labsupport.data.features import FEATURES

if TYPE_CHECKING:
    import pandas as pd
    from feast import FeatureStore

DEFINITIONS = Path(__file__).parent / "feature_repo" / "definitions.py"
ROWS = "data/region_load.parquet"


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Keep back what Feast and its libraries print and warn about; errors pass."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


@contextlib.contextmanager
def _importing() -> Iterator[None]:
    """Pause the garbage collector while Feast is imported.

    Feast has hundreds of functions parsed for their type checks. In CPython up to 3.11.7 a collection within
    `ast.parse` can raise SystemError, "AST constructor recursion depth mismatch" (python/cpython#106905).
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def make_repo(folder: Path | str, table: "pd.DataFrame", shared: Path | str | None = None) -> Path:
    """Write a Feast repository into `folder`: the definitions, `feature_store.yaml`, and `table` as its offline rows.

    `table`: as `feature_table` returns it, times in UTC. Registry and online store are files in `folder`, or in
    `shared`, for several servers that must agree. Nothing is applied yet.
    """
    folder = write_settings(folder, shared)
    write_rows(folder, table)
    return folder


def write_settings(folder: Path | str, shared: Path | str | None = None) -> Path:
    """Write the definitions and `feature_store.yaml` into `folder`, as `make_repo` does, and leave rows and stores alone."""
    folder = Path(folder)
    home = folder if shared is None else Path(shared)
    for place in (folder / "data", home / "data"):
        place.mkdir(parents=True, exist_ok=True)
    shutil.copy(DEFINITIONS, folder)
    config = {
        "project": "labs",
        "provider": "local",
        "registry": str((home / "data" / "registry.db").resolve()),
        "online_store": {"type": "sqlite", "path": str((home / "data" / "online.db").resolve())},
        "offline_store": {"type": "dask"},
        "entity_key_serialization_version": 3,
    }
    (folder / "feature_store.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    return folder


def write_rows(folder: Path | str, table: "pd.DataFrame") -> None:
    """Write `table`, as `feature_table` returns it, in place of a repository's offline rows: whoever reads meets the old or the new."""
    target = Path(folder) / ROWS
    new = target.with_suffix(".new")
    table[["region", "known_at", *FEATURES]].assign(known_at=_utc(table.known_at)).to_parquet(new)
    new.replace(target)


def open_store(folder: Path | str) -> "FeatureStore":
    """Return the store of a repository that `make_repo` wrote; what was applied before is there."""
    with quietly(), _importing():
        from feast import FeatureStore

        return FeatureStore(repo_path=str(folder))


def apply(store: "FeatureStore") -> None:
    """Write the definitions into the store's registry, as `feast apply` does."""
    with quietly(), _importing():
        from labsupport.data.feature_repo import definitions

        store.apply([definitions.region, definitions.region_load, definitions.load_forecast])


def materialise(store: "FeatureStore", until: "pd.Timestamp") -> None:
    """Copy the newest row of each region that was known at `until` (UTC) into the online store."""
    import pandas as pd

    end = pd.Timestamp(until).tz_localize("UTC") if pd.Timestamp(until).tzinfo is None else pd.Timestamp(until)
    with quietly():
        store.materialize((end - pd.Timedelta("1D")).to_pydatetime(), end.to_pydatetime())


def ask_the_past(store: "FeatureStore", asked: "pd.DataFrame") -> "pd.DataFrame":
    """Return Feast's answer to `asked` (columns `region` and `asked_at`), as it comes: rows in its order, some gone."""
    questions = asked.rename(columns={"asked_at": "event_timestamp"})
    questions["event_timestamp"] = _utc(questions["event_timestamp"])
    with quietly():
        answer = store.get_historical_features(questions, store.get_feature_service("load_forecast")).to_df()
    return answer.assign(event_timestamp=answer["event_timestamp"].dt.tz_localize(None)).rename(
        columns={"event_timestamp": "asked_at"}
    )


def training_rows(store: "FeatureStore", asked: "pd.DataFrame") -> "pd.DataFrame":
    """Return `asked` (n rows, same order and index) with the features known by then; missing where there are none.

    Feast drops a question that is older than the first row, or whose newest row is older than `ttl`, and merges
    questions of the same region and time; here each question keeps its row, also one without a region or a time.
    Raises ValueError unless `asked` has the columns `region` and `asked_at`, and none of the features.
    """
    import pandas as pd

    missing = [name for name in ("region", "asked_at") if name not in asked]
    if missing or (len(asked) and not pd.api.types.is_datetime64_any_dtype(asked["asked_at"])):
        raise ValueError(
            "questions have the columns region and asked_at, the latter of times (pd.to_datetime makes them); got "
            + ", ".join(f"{name}: {kind}" for name, kind in asked.dtypes.items())
        )
    twice = [name for name in FEATURES if name in asked]
    if twice:
        raise ValueError(f"{', '.join(twice)} stands in the questions already: drop it, the store answers it")
    questions = asked[["region", "asked_at"]].reset_index(drop=True)
    questions["region"] = questions["region"].map(lambda name: name if isinstance(name, str) else None).astype(object)
    # -1 where a question lacks its region or time: nothing is known of it.
    questions["number"] = questions.groupby(["region", "asked_at"], sort=False).ngroup().fillna(-1)
    distinct = questions[questions["number"] >= 0].drop_duplicates("number")
    if len(distinct):
        answer = ask_the_past(store, distinct).set_index("number")[list(FEATURES)]
    else:
        answer = pd.DataFrame(columns=list(FEATURES), dtype=float)
    return pd.concat([asked, answer.reindex(questions["number"]).set_axis(asked.index)], axis=1)


def ask_now(
    store: "FeatureStore",
    regions: Iterable[str | None],
    *,
    asked_at: "pd.Timestamp | None" = None,
    max_age: str | None = None,
) -> "pd.DataFrame":
    """Return what the online store holds for each of n regions: n rows in their order, with the index of a series.

    Columns: `region` and the features; missing for a region that the store does not know, and for None. Feast's online
    store serves a row however old it is: with `max_age`, such as "15min", a row that was written longer before `asked_at`
    (UTC) counts as missing. Raises ValueError for one name instead of a list, and for one of the two without the other.
    """
    import pandas as pd

    if isinstance(regions, str):
        raise ValueError(f"regions are a list of names; got one name: write [{regions!r}]")
    if (asked_at is None) != (max_age is None):
        raise ValueError("an age needs both asked_at and max_age")
    asked = list(regions)
    known = {name: i for i, name in enumerate(dict.fromkeys(name for name in asked if isinstance(name, str)))}
    answer = pd.DataFrame(columns=list(FEATURES), dtype=float)
    if known:
        with quietly():
            said = store.get_online_features(
                features=store.get_feature_service("load_forecast"), entity_rows=[{"region": name} for name in known]
            ).to_dict(include_event_timestamps=True)
        answer = pd.DataFrame(said)[list(FEATURES)].astype(float)
        if asked_at is not None and max_age is not None:
            at = asked_at.tz_localize("UTC") if asked_at.tzinfo is None else asked_at
            for name in FEATURES:
                age = at - pd.to_datetime(pd.Series(said[f"{name}__ts"]), unit="s", utc=True)
                answer[name] = answer[name].where(age <= pd.Timedelta(max_age))
    place = [known[name] if isinstance(name, str) else -1 for name in asked]
    index = regions.index if isinstance(regions, pd.Series) else pd.RangeIndex(len(asked))
    rows = answer.reindex(place).set_axis(index)
    rows.insert(0, "region", pd.Series(asked, index=index, dtype=object))
    return rows


def _utc(times: "pd.Series") -> "pd.Series":
    """Return times in UTC and whole microseconds, which is what Feast keeps."""
    aware = times.dt.tz_localize("UTC") if times.dt.tz is None else times.dt.tz_convert("UTC")
    whole: pd.Series = aware.dt.floor("us")
    return whole
