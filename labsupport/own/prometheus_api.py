"""An answer of Prometheus' HTTP API, `query_range` or `query`, as a frame: a row a sample.

    curl -G http://HOST:9090/api/v1/query_range --data-urlencode 'query=http_requests_total' \\
         -d start=2026-01-05T00:00:00Z -d end=2026-01-08T00:00:00Z -d step=60 > answer.json
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from labsupport.own.reading import OwnDataError, read_json
from labsupport.own.times import column, moment, zone_of

if TYPE_CHECKING:
    import pandas as pd

OURS = ("time", "value", "metric")


def prometheus(where: str | Path | None = None) -> "pd.DataFrame":
    """Return the samples of an answer, in order of series and time: n rows. `where`: a file, or a URL of the HTTP API.

    Columns: `time` (UTC), `metric` (its name, "" for an expression), `value` (float; NaN and infinities as they came), and
    one for each label, "" where a series lacks it; a label with one of these three names gets an underscore behind it.
    A sample that is missing has no row (see `grid`). A series that stands twice in the answer is kept once where both
    agree. Raises OwnDataError for another text, for an answer that says it is an error, and for one without a sample.
    """
    import pandas as pd

    answer, name = read_json(where, "prometheus.json")
    data = _data(answer, name)
    zone = zone_of("UTC")
    records: list[dict[str, Any]] = []
    for place, (labels, samples) in enumerate(_series(data, name), 1):
        said = {(key + "_" if key in OURS else key): text for key, text in labels.items() if key != "__name__"}
        for sample in samples:
            try:
                at, value = sample
                record = {"time": moment(at, zone), "metric": labels.get("__name__", ""), "value": float(value)}
            except (ValueError, TypeError):
                raise OwnDataError(f"{name}: series {place}, {_text(labels)}: a sample is [seconds, \"value\"]; got {str(sample)[:60]}.") from None  # fmt: skip
            records.append(record | said)
    if not records:
        raise OwnDataError(f"{name} is an answer without a sample: the query found nothing in that time. Try it in Prometheus' own page.")  # fmt: skip
    frame = pd.DataFrame(records)
    names = [key for key in frame.columns if key not in OURS]
    frame[names] = frame[names].fillna("")
    frame["time"] = column([record["time"] for record in records])
    keys = ["metric", *names, "time"]
    frame = frame.drop_duplicates([*keys, "value"]).sort_values(keys, ignore_index=True)
    twice = frame[frame.duplicated(keys)]
    if len(twice):
        row = twice.iloc[0]
        labels = {key: row[key] for key in names if row[key]}
        raise OwnDataError(f"{name}: {row['metric']}{_text(labels)} stands twice with different values at {row['time']}: two servers answered. Add their label to the query, or take max without (replica).")  # fmt: skip
    return frame[["time", "metric", "value", *names]]


def grid(samples: "pd.DataFrame", by: str | list[str] | None = None) -> "pd.DataFrame":
    """Return samples as a table: a row a step of time (the index, UTC), a column a series, NaN in the gaps.

    `by`: the label or labels that name a column; without it, all that differ; series that it does not tell apart are added
    up. The step is the commonest distance between two samples of a series; samples between two steps count for the next,
    and of two samples of a series in one step the later one counts.
    """
    import pandas as pd

    fixed = [name for name in samples.columns if name not in ("time", "value")]
    keys = [by] if isinstance(by, str) else by if by is not None else [n for n in fixed if samples[n].nunique() > 1]
    if missing := [key for key in keys if key not in samples]:
        raise OwnDataError(f"these samples have no label {', '.join(missing)}; they have {', '.join(fixed)}.")
    if not len(samples):
        raise OwnDataError("There are no samples to put into a table: look at what was left out before.")
    samples = samples.reset_index(drop=True)
    steps = samples.groupby(fixed, dropna=False)["time"].diff().dropna()
    step = steps[steps > pd.Timedelta(0)].mode().min() if (steps > pd.Timedelta(0)).any() else pd.Timedelta("1min")
    start = samples["time"].min()
    late = (samples["time"] - start) % step
    at = samples["time"].where(late == pd.Timedelta(0), samples["time"] - late + step)
    in_time = samples.assign(time=at).loc[samples["time"].argsort(kind="stable")]
    last = in_time.drop_duplicates([*fixed, "time"], keep="last").index.sort_values()
    samples, at = samples.loc[last], at[last]
    groups = [at.rename("time"), *(samples[key] for key in keys)]
    summed = samples["value"].groupby(groups).sum()
    # A sum over a value that is missing is missing.
    summed[samples["value"].isna().groupby(groups).any()] = float("nan")
    table = summed.unstack(keys) if keys else summed.to_frame("value")
    return table.reindex(pd.date_range(start, at.max(), freq=step, name="time"))


def _data(answer: Any, name: str) -> dict[str, Any]:
    if isinstance(answer, dict) and answer.get("status") == "error":
        raise OwnDataError(f"{name}: Prometheus says {answer.get('errorType', 'error')}: {answer.get('error', '')}. Mend the query, and ask again.")  # fmt: skip
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, dict) or "resultType" not in data or "result" not in data:
        raise OwnDataError(f'{name} is JSON, but no answer of /api/v1/query or query_range: those begin {{"status":"success","data":{{"resultType":...')  # fmt: skip
    return data


def _series(data: dict[str, Any], name: str) -> list[tuple[dict[str, str], list[Any]]]:
    kind, result = data["resultType"], data["result"]
    if kind == "scalar":
        return [({}, [result])]
    if kind not in ("matrix", "vector") or not isinstance(result, list):
        raise OwnDataError(f"{name} holds a {kind}: numbers over time are a matrix (query_range) or a vector (query).")
    found = []
    for place, item in enumerate(result, 1):
        if not isinstance(item, dict) or not isinstance(item.get("metric"), dict):
            raise OwnDataError(f'{name}: series {place} has no labels under "metric": the answer was cut or changed.')
        samples = item.get("values") if kind == "matrix" else [item["value"]] if "value" in item else None
        if not isinstance(samples, list):
            why = "native histograms are not read; ask for histogram_quantile(...)" if "histograms" in item or "histogram" in item else "the answer was cut or changed"  # fmt: skip
            raise OwnDataError(f"{name}: series {place}, {_text(item['metric'])}, has no samples: {why}.")
        found.append(({str(key): str(text) for key, text in item["metric"].items()}, samples))
    return found


def _text(labels: dict[str, str]) -> str:
    return "{" + ", ".join(f'{key}="{text}"' for key, text in list(labels.items())[:6]) + "}"
