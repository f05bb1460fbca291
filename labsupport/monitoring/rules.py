"""Rules of Prometheus under test: unit tests written for them, and ways to spoil them that a test should notice."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml

TESTS = Path(__file__).with_name("rules_test.yaml")


def rules_of(configmap: dict[str, Any]) -> str:
    """Return the rules (YAML) that a ConfigMap holds under `rules.yml`."""
    return str(configmap["data"]["rules.yml"])


def lab_tests() -> str:
    """Return the unit tests of lab 609's rules."""
    return TESTS.read_text()


def spoilt(rules: str) -> dict[str, str]:
    """Return rules by what was done to them: each rule in every way that fits, one at a time.

    Thresholds are doubled and halved, comparisons turned, `and` becomes `or`, `=~` becomes `!~`, windows are lengthened, a sum
    loses its grouping, `for` and a label `severity` change, and a rule is left out.
    """
    found: dict[str, str] = {}
    for group, rule, name in _places(rules):
        for what, change in _changes(rule):
            whole = yaml.safe_load(rules)
            target = whole["groups"][group]["rules"]
            at = next(i for i, one in enumerate(target) if _name(one) == name)
            target[at : at + 1] = [] if change is None else [change]
            found[f"{name}: {what}"] = yaml.safe_dump(whole, sort_keys=False)
    return found


def burn_tests(cases: Iterable[tuple[float, float, bool]]) -> str:
    """Return unit tests (YAML) for an alert `BudgetBurnsFast` on two recorded shares: (short, long, whether it fires)."""
    tests = []
    for short, long, fires in cases:
        series = [("5s", short), ("20s", long)]
        alerts = [{"exp_labels": {"model": "m", "severity": "page"}}] if fires else []
        tests.append(
            {
                "interval": "1m",
                "input_series": [
                    {"series": f'model:bad_share:rate{window}{{model="m"}}', "values": f"{share}x5"}
                    for window, share in series
                ],
                "alert_rule_test": [{"eval_time": "3m", "alertname": "BudgetBurnsFast", "exp_alerts": alerts}],
            }
        )
    return yaml.safe_dump({"tests": tests}, sort_keys=False)


def _places(rules: str) -> list[tuple[int, dict[str, Any], str]]:
    groups = yaml.safe_load(rules)["groups"]
    return [(at, rule, _name(rule)) for at, group in enumerate(groups) for rule in group["rules"]]


def _name(rule: dict[str, Any]) -> str:
    return str(rule.get("alert") or rule.get("record"))


def _changes(rule: dict[str, Any]) -> Iterable[tuple[str, dict[str, Any] | None]]:
    expression = str(rule["expr"])
    swaps: dict[str, tuple[str, str | Callable[[re.Match[str]], str]]] = {
        "threshold doubled": (r"> (\d+(?:\.\d+)?) \*", lambda found: f"> {2 * float(found[1]):g} *"),
        "threshold halved": (r"> (\d+(?:\.\d+)?) \*", lambda found: f"> {float(found[1]) / 2:g} *"),
        "comparison turned": (r" > ", " < "),
        "equality turned": (r" == ", " != "),
        "and made or": (r"\band\b", "or"),
        "labels turned": (r"=~", "!~"),
        "fewer outcomes": (r'"busy\|error"', '"error"'),
        "exclusion lost": (r'outcome!~"[^"]*"', 'outcome!=""'),
        "no answer instead of 0": (r"\s+or 0 \*[^\n]*", ""),
        "grouping lost": (r"sum by \(model\)", "sum"),
        "window longer": (r"\[(\d+)s\]", lambda found: f"[{4 * int(found[1])}s]"),
    }
    for what, (pattern, to) in swaps.items():
        changed = re.sub(pattern, to, expression)
        if changed != expression:
            yield what, rule | {"expr": changed}
    if "for" in rule:
        yield "fires at once", {key: value for key, value in rule.items() if key != "for"}
    if "severity" in rule.get("labels", {}):
        yield "severity lost", rule | {"labels": {}}
    yield "left out", None
