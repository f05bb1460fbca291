"""Cases of lab 609: counters with known shares of bad answers, and ways to spoil an alert with two windows."""

from dataclasses import dataclass
from typing import Any

import yaml

WINDOW = "5m"
RULE = "model:bad_share:rate5m"


@dataclass(frozen=True)
class Share:
    """Counters that grow by so much a minute, by (model, instance, outcome), and the share that must come out by model.

    One that grows by other steps in other minutes has them as promtool writes them, such as `0x9 1+2x5`.
    """

    told: str
    grows: dict[tuple[str, str, str], int | str]
    wanted: dict[str, float]
    cause: str


SHARES = (
    Share("3 ok and 1 error a minute", {("m", "a", "ok"): 3, ("m", "a", "error"): 1}, {"m": 0.25}, "the share of `error` among all that counts, by `rate(...[5m])`, for each `model`"),
    Share("3 ok and 1 busy a minute", {("m", "a", "ok"): 3, ("m", "a", "busy"): 1}, {"m": 0.25}, "a question that was turned away because we were busy has failed for who asked it"),
    Share("3 ok, 1 error and 4 invalid", {("m", "a", "ok"): 3, ("m", "a", "error"): 1, ("m", "a", "invalid"): 4}, {"m": 0.25}, "`invalid` is the client's mistake: neither bad nor good, so it stands in no part of the fraction"),
    Share("3 ok, 1 error and 4 too_large", {("m", "a", "ok"): 3, ("m", "a", "error"): 1, ("m", "a", "too_large"): 4}, {"m": 0.25}, "`too_large` is the client's mistake, too"),
    Share("two replicas, one with 1 ok, one with 3 errors", {("m", "a", "ok"): 1, ("m", "a", "error"): 0, ("m", "b", "error"): 3}, {"m": 0.75}, "add up over instances before you divide: `sum by (model) (...) / sum by (model) (...)`"),
    Share("two models", {("m", "a", "ok"): 3, ("m", "a", "error"): 1, ("n", "a", "ok"): 1, ("n", "a", "error"): 1}, {"m": 0.25, "n": 0.5}, "`by (model)`: one share for each model"),
    Share("4 ok, and never anything else", {("m", "a", "ok"): 4}, {"m": 0.0}, "a sum over no series is nothing, not 0: add `or 0 * sum by (model) (rate(model_predictions_total[5m]))` to the numerator"),
    Share("4 errors, and never anything else", {("m", "a", "error"): 4}, {"m": 1.0}, "where nothing was ever good, a sum over the good ones is nothing, not 0: count the bad ones"),
    # 11 errors in minute 11, then 1 a minute.
    Share("3 ok a minute, and 15 errors within the last 5 minutes, 11 of them at once", {("m", "a", "ok"): 3, ("m", "a", "error"): "100x10 111+1x9"}, {"m": 0.5}, "by `rate(...[5m])`: a shorter window has forgotten what came a while ago, a longer one still counts what was before"),
)  # fmt: skip


def tests_of(*shares: Share) -> str:
    """Return the unit tests (YAML) of cases."""
    return yaml.safe_dump({"tests": [_test_of(case) for case in shares]})


def _test_of(case: Share) -> dict[str, Any]:
    series = [
        {
            "series": f'model_predictions_total{{model="{model}", version="1", instance="{instance}", outcome="{outcome}"}}',
            "values": step if isinstance(step, str) else f"0+{step}x20",
        }
        for (model, instance, outcome), step in case.grows.items()
    ]
    samples = [{"labels": f'{RULE}{{model="{model}"}}', "value": value} for model, value in case.wanted.items()]
    asked = [{"expr": RULE, "eval_time": "15m", "exp_samples": samples}]
    return {"interval": "1m", "input_series": series, "promql_expr_test": asked}


def rule_of(expression: str) -> str:
    """Return a file of one recording rule (YAML)."""
    return yaml.safe_dump({"groups": [{"name": "share", "rules": [{"record": RULE, "expr": expression}]}]})


def alert_of(expression: str) -> str:
    """Return a file of the alert BudgetBurnsFast alone (YAML)."""
    rule: dict[str, Any] = {"alert": "BudgetBurnsFast", "expr": expression, "labels": {"severity": "page"}}
    return yaml.safe_dump({"groups": [{"name": "burn", "rules": [rule]}]})


_S, _L = "model:bad_share:rate5s", "model:bad_share:rate20s"
ALERT = f"{_S} > 0.144 and {_L} > 0.144"
# What is wrong, and what only a case of this kind shows.
SPOILT = {
    f"{_S} > 0.144": ("the long window is forgotten", "short above the limit, long below it"),
    f"{_L} > 0.144": ("the short window is forgotten", "long above the limit, short below it"),
    f"{_S} > 0.144 or {_L} > 0.144": ("`or` in place of `and`", "one above, one below"),
    f"{_S} > 0.03 and {_L} > 0.03": ("3 in place of 14.4 times the budget", "both below 0.144, and not far below"),
    f"{_S} > 0.5 and {_L} > 0.5": ("a limit of 0.5", "both above 0.144, and not far above"),
    f"{_S} < 0.144 and {_L} < 0.144": ("`<` in place of `>`", "both above, or both below"),
    f"{_S} > 0.144 and {_L} > 0.144 and {_L} < {_S}": ("it is silent once the trouble gets less", "both above, the long one higher"),
    f"{_S} > 0.144 and {_L} > 0.144 and {_L} >= {_S}": ("it is silent while the trouble grows", "both above, the short one higher"),
}  # fmt: skip
