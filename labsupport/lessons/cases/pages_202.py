"""Pages of metrics for 202.4 and histograms for 202.5, with what each plausible mistake reads in them."""

import itertools
import math
from typing import Any

Buckets = list[tuple[float, float]]
INF = math.inf
# What a page may hold, and the quantiles to read from it.
HISTOGRAMS: list[tuple[Buckets, tuple[float, ...]]] = [
    ([(0.1, 40), (0.2, 100), (0.3, 180), (0.6, 196), (1.0, 200), (INF, 200)], (0.95, 0.5, 0.12)),
    ([(0.05, 0), (0.3, 90), (0.5, 90), (1.0, 97), (INF, 100)], (0.95, 0.99, 0.45, 0.9)),
    ([(0.1, 2), (0.3, 5), (1.0, 8), (INF, 8)], (0.95,)),
    ([(0.25, 3), (INF, 7)], (0.2, 0.9)),
    ([(0.2, 10), (0.4, 30), (0.8, 30), (1.6, 41), (INF, 41)], (0.75, 0.31)),
]


def page() -> tuple[list[Any], dict[tuple[str, str], int]]:
    """Return samples of a page, and the calls behind them by version and outcome."""
    from labsupport.monitoring.endpoint import Sample

    calls = {
        ("7", "ok"): 900, ("7", "TimeoutError"): 60, ("7", "ValueError"): 31, ("7", "other"): 9,
        ("8", "KeyError"): 100, ("8", "ok"): 400, ("9", "ok"): 250,
        ("1", "ok"): 70, ("1", "TimeoutError"): 30, ("10", "ok"): 40, ("10", "ValueError"): 160,
    }  # fmt: skip
    samples = [Sample("process_cpu_seconds_total", {}, 12.5)]
    for (version, outcome), count in calls.items():
        labels = {"model": "planner", "outcome": outcome, "version": version}
        samples.append(Sample("model_predictions_total", labels, float(count)))
        seconds = "model_prediction_duration_seconds"
        # Observed less often than counted, as after a restart in between.
        observed = count if outcome == "ok" else count // 2
        samples += [
            Sample(f"{seconds}_bucket", {"le": edge, **labels}, float(up_to))
            for edge, up_to in (("0.3", observed // 2), ("+Inf", observed))
        ]
        samples += [
            Sample(f"{seconds}_count", labels, float(observed)),
            Sample(f"{seconds}_sum", labels, 0.21 * observed),
        ]
    return samples, calls


def ratio_and_mistakes(
    samples: list[Any], calls: dict[tuple[str, str], int], version: str
) -> tuple[float, dict[str, float]]:
    """Return the error ratio of a version, and what each mistake makes of it."""
    mine = {outcome: n for (v, outcome), n in calls.items() if v == version}
    everyone, total = sum(calls.values()), sum(mine.values())
    ok, failed = mine["ok"], total - mine["ok"]
    every_failure = everyone - sum(n for (_, outcome), n in calls.items() if outcome == "ok")
    like = {key: n for key, n in calls.items() if version in key[0]}
    starts = {key: n for key, n in calls.items() if key[0].startswith(version)}
    causes = {
        "failed by ok: divide by all calls, or a total failure is a division by 0": failed / ok,
        "this is the share that went well: 1 minus it": ok / total,
        "all versions were added up: look at the label `version`": every_failure / everyone,
        "divided by the calls of all versions": failed / everyone,
        "series were counted instead of calls: add up `.value`": (len(mine) - 1) / len(mine),
        "this is a number of calls: divide by all of them": float(failed),
        "version 10 was counted as version 1: compare the labels with `==`": _failed(like) / sum(like.values()),
        "version 10 was counted as version 1, by its beginning: compare the labels with `==`": (
            _failed(starts) / sum(starts.values())
        ),
        "other metrics of the page were added: compare `.name` with `model_predictions_total`": _of_names(
            samples, version, ""
        ),
        "the histogram's counts were read: calls are counted by `model_predictions_total`": _of_names(
            samples, version, "model_prediction_duration_seconds_count"
        ),
        "the last series of the version was taken for all of its failures": (
            [n for outcome, n in mine.items() if outcome != "ok"] or [0]
        )[-1]
        / total,
    }
    for kind in sorted({outcome for _, outcome in calls} - {"ok"}):
        causes[f"only one kind of exception was counted, {kind}: failed is every outcome except `ok`"] = (
            mine.get(kind, 0) / total
        )
    return failed / total, causes


def quantile(q: float, buckets: Buckets) -> float:
    """Return what Prometheus reads from the buckets."""
    rank, low, below = q * buckets[-1][1], 0.0, 0.0
    for edge, up_to in buckets[:-1]:
        if up_to >= rank:
            return low + (edge - low) * (rank - below) / (up_to - below)
        low, below = edge, up_to
    return low


def misread(q: float, buckets: Buckets) -> dict[str, float]:
    """Return what each mistake reads from the buckets; where one does no harm, it is left out or right."""
    total = buckets[-1][1]
    rank = q * total
    position = next(k for k, (_, up_to) in enumerate(buckets) if up_to >= rank)
    edge, up_to = buckets[position]
    low, below = buckets[position - 1] if position else (0.0, 0.0)
    gap, own = edge - low, up_to - below
    last = buckets[-2][0]
    infinite = edge == INF
    right = quantile(q, buckets)
    strictly = next((k for k, (_, count) in enumerate(buckets[:-1]) if count > rank), len(buckets) - 1)
    start, before = buckets[strictly - 1] if strictly else (0.0, 0.0)
    end, count = buckets[strictly]

    def part(value: float) -> float:
        """What is read in a finite bucket; in the infinite one these mistakes do no harm."""
        return right if infinite else value

    return {
        "the infinite bucket: nothing is known there but its lower edge": INF if infinite else right,
        "this is the upper edge of the right bucket: go only a part of the way": part(edge),
        "this is the upper edge of the right bucket: go only a part of the way, and stay below the infinite one": edge,
        "this is the lower edge of the right bucket: go a part of the way up": low,
        "this is the middle of the bucket: the share of the way depends on the rank": part(low + gap / 2),
        "the way was counted from the top of the bucket": part(edge - gap * (rank - below) / own),
        "the share of the way is by the bucket's own calls, `up_to - below`": part(low + gap * (rank - below) / up_to),
        "divided by all calls: the share of the way is by the bucket's own, `up_to - below`": part(
            low + gap * (rank - below) / total
        ),
        "the calls below the bucket are not needed any more: `rank - below`": part(low + gap * rank / up_to),
        "the lower edge was left out: start there": part(gap * (rank - below) / own),
        "`rank` is a number of calls, `q * count`, not q itself": part(low + gap * (q - below) / own),
        "you went on from the lower edge by the whole upper edge: the way is `edge - low`": part(
            low + edge * (rank - below) / own
        ),
        "the first bucket whose count reaches the rank: `>=`, not `>`": (
            start if end == INF else start + (end - start) * (rank - before) / (count - before)
        ),
        "the rank was cut to a whole number: leave it as it is": quantile(int(rank) / total, buckets),
        "the rank was rounded up to a whole number: leave it as it is": quantile(math.ceil(rank) / total, buckets),
        "the counts are up to an edge already: don't add them up again": _of_separate(q, buckets),
        "this is a share of the last edge: the rank counts calls, not seconds": q * last,
        "this is the rank, a number of calls: find the bucket that holds it": rank,
        "this is `q` times all calls less one: leave the rank as it is": quantile(q * (total - 1) / total, buckets),
        "the first bucket begins at 0, not at its own edge": (edge if position == 0 else right),
        "the edge before the first was taken for its own: it begins at 0.0": (
            max(low, buckets[0][0]) + (edge - max(low, buckets[0][0])) * (rank - below) / own
            if position == 0 and not infinite
            else right
        ),
    }


def _of_separate(q: float, buckets: Buckets) -> float:
    counts = itertools.accumulate(up_to for _, up_to in buckets)
    return quantile(q, [(edge, count) for (edge, _), count in zip(buckets, counts, strict=True)])


def _failed(calls: dict[tuple[str, str], int]) -> int:
    return sum(n for (_, outcome), n in calls.items() if outcome != "ok")


def _of_names(samples: list[Any], version: str, name: str) -> float:
    mine = [s for s in samples if s.labels.get("version") == version and name in s.name]
    failed: float = sum(sample.value for sample in mine if sample.labels["outcome"] != "ok")
    return failed / float(sum(sample.value for sample in mine))
