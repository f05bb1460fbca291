"""Alert rules as Prometheus reads them from a file, evaluated on pages of metrics: a small, exact part of PromQL.

It knows `time()`, numbers, a metric with labels (`=` and `!=`), + - * / with a number, `min max sum avg count` with or without
`by (...)`, and one comparison with a number. What it does not know it refuses. A rule fires once its condition has held
for `for`, at every look. Source: Prometheus, promql and rules/alerting.go.
"""

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from labsupport.monitoring.endpoint import Sample

Labels = frozenset[tuple[str, str]]
Vector = dict[Labels, float]
_TOKEN = re.compile(
    r'\s*(?:(\d+(?:\.\d*)?(?:e[+-]?\d+)?)|([A-Za-z_:][\w:]*)|("[^"]*"|\'[^\']*\')|(>=|<=|==|!=|[-+*/(){},=<>]))'
)
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
}  # fmt: skip
_AGGREGATE: dict[str, Callable[[list[float]], float]] = {
    "min": min, "max": max, "sum": sum, "count": len, "avg": lambda values: sum(values) / len(values),
}  # fmt: skip
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class AlertError(ValueError):
    """A rule can't be read; the text says where, and what is known here."""


@dataclass(frozen=True)
class Rule:
    """An alert: its name, the condition, and for how many seconds it must hold."""

    name: str
    expr: str
    for_s: float = 0.0

    def holds(self, page: Iterable[Sample], now: float) -> Vector:
        """Return the series, by their labels, for which the condition holds at `now` (Unix seconds), with their values."""
        return _Reader(self.expr, list(page), now).condition()


def rules(text: str) -> list[Rule]:
    """Return the alerts of a rule file (`groups:`, each with `rules:`); raises AlertError."""
    try:
        groups = yaml.safe_load(text)["groups"]
        found = [item for group in groups for item in group["rules"] if "alert" in item]
        made = [Rule(str(item["alert"]), str(item["expr"]), duration(item.get("for", "0s"))) for item in found]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise AlertError(
            f"a rule file has groups with rules, each with alert and expr; {type(error).__name__}: {error}"
        ) from None
    for rule in made:
        rule.holds([], 0.0)
    return made


def duration(text: object) -> float:
    """Return the seconds of a duration such as `5m` or `1h30m`; raises AlertError."""
    parts = re.findall(r"(\d+)(ms|s|m|h|d)", str(text))
    if not parts or "".join(number + unit for number, unit in parts) != str(text).strip():
        raise AlertError(f"a duration is written 30s, 5m or 1h; got {text!r}")
    return sum(int(number) * _UNITS[unit] for number, unit in parts)


def firing(rule: Rule, looks: Iterable[tuple[float, Sequence[Sample]]]) -> list[tuple[float, list[Labels]]]:
    """Return for each look (time, page), in order of time, the series for which the rule fires then."""
    since: dict[Labels, float] = {}
    fires = []
    for now, page in looks:
        held = rule.holds(page, now)
        # A single look at which the condition does not hold begins the count anew.
        since = {labels: since.get(labels, now) for labels in held}
        fires.append((now, [labels for labels, begin in since.items() if now - begin >= rule.for_s]))
    return fires


class _Reader:
    """Reads one expression from left to right, and computes as it reads."""

    def __init__(self, text: str, page: list[Sample], now: float) -> None:
        self._text, self._page, self._now = text, page, now
        self._words, end = [], 0
        while text[end:].strip():
            found = _TOKEN.match(text, end)
            if found is None:
                raise self._refuse(text[end:].strip()[:20])
            self._words.append(found[0].strip())
            end = found.end()
        self._at = 0

    def condition(self) -> Vector:
        left = self._sum()
        sign = self._take()
        if sign not in _COMPARE:
            raise self._refuse(sign or "the end", "a comparison such as > 900 stands at the end")
        right = self._sum()
        if self._at < len(self._words):
            raise self._refuse(self._words[self._at])
        if isinstance(left, float) or not isinstance(right, float):
            raise self._refuse(sign, "on its left stands something that metrics say, on its right a number")
        return {labels: value for labels, value in left.items() if _COMPARE[sign](value, right)}

    def _sum(self) -> Vector | float:
        left = self._product()
        while self._next() in ("+", "-"):
            left = self._joined(left, self._take(), self._product())
        return left

    def _product(self) -> Vector | float:
        left = self._term()
        while self._next() in ("*", "/"):
            left = self._joined(left, self._take(), self._term())
        return left

    def _joined(self, left: Vector | float, sign: str, right: Vector | float) -> Vector | float:
        compute = _ARITHMETIC[sign]
        try:
            if isinstance(left, float):
                if isinstance(right, float):
                    return compute(left, right)
                return {labels: compute(left, value) for labels, value in right.items()}
            if isinstance(right, float):
                return {labels: compute(value, right) for labels, value in left.items()}
        except ZeroDivisionError:
            raise self._refuse("/", "nothing is divided by 0") from None
        raise self._refuse(sign, "of the two sides one is a number or time()")

    def _term(self) -> Vector | float:
        word = self._take()
        if word == "(":
            inner = self._sum()
            self._expect(")")
            return inner
        if word == "-":
            return self._joined(0.0, "-", self._term())
        if re.fullmatch(r"[\d.]+(e[+-]?\d+)?", word):
            return float(word)
        if word == "time":
            self._expect("(")
            self._expect(")")
            return float(self._now)
        if word in _AGGREGATE:
            return self._aggregated(word)
        if not re.fullmatch(r"[A-Za-z_:][\w:]*", word) or self._next() == "(":
            raise self._refuse(word or "the end")
        return self._series(word)

    def _aggregated(self, name: str) -> Vector:
        by = self._names() if self._next() == "by" else None
        self._expect("(")
        inner = self._sum()
        self._expect(")")
        if by is None:
            by = self._names() if self._next() == "by" else []
        if isinstance(inner, float):
            raise self._refuse(name, "it sums up series, not a number")
        groups: dict[Labels, list[float]] = {}
        for labels, value in inner.items():
            groups.setdefault(frozenset(pair for pair in labels if pair[0] in by), []).append(value)
        return {labels: float(_AGGREGATE[name](values)) for labels, values in groups.items()}

    def _names(self) -> list[str]:
        self._expect("by")
        self._expect("(")
        names = []
        while self._next() != ")":
            names.append(self._take())
            if self._next() == ",":
                self._take()
            elif not self._next():
                break
        self._expect(")")
        return names

    def _series(self, metric: str) -> Vector:
        wanted: list[tuple[str, str, str]] = []
        if self._next() == "{":
            self._take()
            while self._next() != "}":
                label, sign, value = self._take(), self._take(), self._take()
                if sign not in ("=", "!=") or value[:1] not in ('"', "'"):
                    raise self._refuse(f"{label}{sign}{value}")
                wanted.append((label, sign, value[1:-1]))
                if self._next() == ",":
                    self._take()
            self._take()
        chosen = [one for one in self._page if one.name == metric and _matches(one.labels, wanted)]
        return {frozenset(one.labels.items()): one.value for one in chosen}

    def _next(self) -> str:
        return self._words[self._at] if self._at < len(self._words) else ""

    def _take(self) -> str:
        word = self._next()
        self._at += 1
        return word

    def _expect(self, word: str) -> None:
        found = self._take()
        if found != word:
            raise self._refuse(found or "the end", f"here {word} is expected")

    def _refuse(self, where: Any, why: str = "") -> AlertError:
        known = f"time(), numbers, a metric, + - * /, {' '.join(_AGGREGATE)}, by (...), one comparison"
        return AlertError(f"{self._text!r} can't be read at {where!r}: {why or f'known here are {known}'}")


def _matches(labels: Mapping[str, str], wanted: list[tuple[str, str, str]]) -> bool:
    return all((labels.get(name, "") == value) == (sign == "=") for name, sign, value in wanted)
