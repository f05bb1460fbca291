"""Label selectors as they stand in a URL: `app=web,tier in (a,b),!canary`."""

import re
from collections.abc import Callable, Mapping

Labels = Mapping[str, str]
Requirement = Callable[[Labels], bool]

_SET = re.compile(r"(?P<key>[^\s!=,()]+)\s+(?P<not>not)?in\s*\((?P<values>[^()]*)\)")
_EQUAL = re.compile(r"(?P<key>[^\s!=,()]+)\s*(?P<operator>==|=|!=)\s*(?P<value>[^\s!=,()]*)")
_PRESENT = re.compile(r"(?P<absent>!?)\s*(?P<key>[^\s!=,()]+)")
# Commas between requirements, not those inside parentheses.
_COMMA = re.compile(r",(?![^()]*\))")


def parse(text: str) -> Requirement:
    """Return the function that tells whether labels are selected. Raises ValueError for what is no selector."""
    requirements = [_requirement(part.strip()) for part in _COMMA.split(text) if part.strip()]
    return lambda labels: all(requirement(labels) for requirement in requirements)


def _requirement(text: str) -> Requirement:
    if found := _SET.fullmatch(text):
        key, values = found["key"], {value.strip() for value in found["values"].split(",")}
        # As in Kubernetes, an object without the label is "not in" any set.
        return (
            (lambda labels: labels.get(key) not in values)
            if found["not"]
            else (lambda labels: labels.get(key) in values)
        )
    if found := _EQUAL.fullmatch(text):
        key, value = found["key"], found["value"]
        return (
            (lambda labels: labels.get(key) != value)
            if found["operator"] == "!="
            else (lambda labels: labels.get(key) == value)
        )
    if found := _PRESENT.fullmatch(text):
        key, wanted = found["key"], not found["absent"]
        return lambda labels: (key in labels) == wanted
    raise ValueError(f"unable to parse requirement: {text!r}")
