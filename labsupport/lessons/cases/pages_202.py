"""Two pages of metrics for 202.4, and what each plausible mistake reads in them."""

from typing import Any

Calls = dict[tuple[str, str], int]

COUNTER = "model_predictions_total"
# What the counters hold at two scrapes, by version and outcome.
BEFORE: Calls = {
    ("7", "ok"): 900, ("7", "TimeoutError"): 60, ("7", "ValueError"): 31, ("7", "other"): 9,
    ("8", "ok"): 5000, ("8", "KeyError"): 700,
    ("1", "ok"): 70, ("1", "TimeoutError"): 30,
    ("10", "ok"): 40, ("10", "ValueError"): 160,
    ("9", "ok"): 50,
    ("5", "ok"): 12, ("5", "TimeoutError"): 3,
    ("3", "ok"): 50, ("3", "TimeoutError"): 50,
}  # fmt: skip
AFTER: Calls = {
    ("7", "ok"): 1300, ("7", "TimeoutError"): 82, ("7", "ValueError"): 94, ("7", "other"): 20,
    ("8", "ok"): 400, ("8", "KeyError"): 100,  # restarted
    ("9", "ok"): 250, ("9", "ValueError"): 10,  # its first failures
    ("1", "ok"): 190, ("1", "TimeoutError"): 30, ("1", "ValueError"): 5,  # its last series is new
    ("10", "ok"): 90, ("10", "ValueError"): 240,
    ("5", "ok"): 12, ("5", "TimeoutError"): 3,  # at rest
    ("3", "ok"): 200, ("3", "TimeoutError"): 2,  # restarted, and more calls in all than before
}  # fmt: skip
VERSIONS = ("7", "8", "9", "1", "3")


def page(calls: Calls) -> list[Any]:
    """Return the samples of a page: the counter, a histogram beside it, and a metric without labels."""
    from labsupport.monitoring.endpoint import Sample

    samples = [Sample("process_cpu_seconds_total", {}, 12.5)]
    for (version, outcome), count in calls.items():
        labels = {"model": "planner", "outcome": outcome, "version": version}
        samples.append(Sample(COUNTER, labels, float(count)))
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
    return samples


def ratio_and_mistakes(version: str) -> tuple[float, dict[str, float]]:
    """Return the error ratio of a version between both scrapes, and what each mistake makes of it."""
    everyone = _grown(BEFORE, AFTER)
    new = _of(everyone, version)
    ok, failed = new["ok"], sum(new.values()) - new["ok"]
    before, after = _of(BEFORE, version), _of(AFTER, version)
    naive = {outcome: count - before.get(outcome, 0) for outcome, count in after.items()}
    clipped = {outcome: max(count, 0) for outcome, count in naive.items()}
    known = {outcome: count for outcome, count in new.items() if outcome in before}
    like = {key: count for key, count in everyone.items() if version in key[0]}
    # As a whole it has grown, though it was restarted: who adds up before looking sees nothing.
    hidden = sum(after.values()) >= sum(before.values()) and any(count < 0 for count in naive.values())
    by_sum = {"the sum of all outcomes has grown, and yet one series fell: look for a restart in each": _ratio(naive)}
    causes = (by_sum if hidden else {}) | {
        "these are all calls since the start: take off what the page before had": _ratio(after),
        "this is the page before: the calls came after it": _ratio(before),
        "a counter that fell was restarted: all that it holds is new, nothing is to be taken off": _ratio(naive),
        "a counter that fell was taken for one at rest: after a restart all that it holds is new": _ratio(clipped),
        "a series that is new on the later page was left out: it began at 0": _ratio(known),
        "failed by ok: divide by all calls, or a total failure is a division by 0": failed / ok,
        "this is the share that went well: 1 minus it": ok / (ok + failed),
        "this is a number of calls: divide by all of them": float(failed),
        "none failed: no outcome is called `error`; failed is every outcome except `ok`": 0.0,
        "all versions were added up: look at the label `version`": _ratio(_by_outcome(everyone)),
        "divided by the calls of all versions": failed / sum(everyone.values()),
        "version 10 was counted as version 1: compare the labels with `==`": _ratio(_by_outcome(like)),
        "series were counted instead of calls: add up `.value`": (len(after) - 1) / len(after),
        "other metrics of the page were added: compare `.name` with `model_predictions_total`": _of_names(version, ""),
        "the histogram's counts were read: calls are counted by `model_predictions_total`": _of_names(
            version, "model_prediction_duration_seconds_count"
        ),
        "the difference of two ratios is not the ratio of the differences: subtract the counters first": (
            _ratio(after) - _ratio(before)
        ),
    }
    for kind in sorted({outcome for _, outcome in everyone} - {"ok"}):
        causes[f"only one kind of exception was counted, {kind}: failed is every outcome except `ok`"] = new.get(
            kind, 0
        ) / sum(new.values())
    return failed / (ok + failed), causes


def _grown(before: Calls, after: Calls) -> Calls:
    return {key: count - before.get(key, 0) if count >= before.get(key, 0) else count for key, count in after.items()}


def _of(calls: Calls, version: str) -> dict[str, int]:
    return {outcome: count for (of, outcome), count in calls.items() if of == version}


def _by_outcome(calls: Calls) -> dict[str, int]:
    sums: dict[str, int] = {}
    for (_, outcome), count in calls.items():
        sums[outcome] = sums.get(outcome, 0) + count
    return sums


def _ratio(calls: dict[str, int]) -> float:
    total = sum(calls.values())
    return (total - calls.get("ok", 0)) / total if total else float("nan")


def _of_names(version: str, name: str) -> float:
    before, after = (
        {(s.name, *sorted(s.labels.items())): s for s in page(calls) if s.labels.get("version") == version}
        for calls in (BEFORE, AFTER)
    )
    failed = total = 0.0
    for key, sample in after.items():
        if name in sample.name:
            old = before[key].value if key in before else 0.0
            grown = sample.value - old if sample.value >= old else sample.value
            total += grown
            failed += grown if sample.labels["outcome"] != "ok" else 0.0
    return failed / total
