"""Put values in the place of `{{...}}`, and decide a task's `when`."""

import re
from collections.abc import Mapping
from typing import Any

_REFERENCE = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}")
_COMPARISON = re.compile(r"\s*(\S*)\s*(==|!=)\s*(\S*)\s*")


def fill(value: Any, scope: Mapping[str, str]) -> Any:
    """Return `value` (of texts, lists and dictionaries) with each `{{name}}` replaced by what the scope has for it.

    Raises ValueError for a name that the scope does not have.
    """
    if isinstance(value, Mapping):
        return {key: fill(part, scope) for key, part in value.items()}
    if isinstance(value, list):
        return [fill(part, scope) for part in value]
    return _REFERENCE.sub(lambda found: _of(found[1], scope), value) if isinstance(value, str) else value


def holds(condition: str) -> bool:
    """Decide `A == B` or `A != B`, after `fill`, each side plain or in quotes; raises ValueError for another form."""
    found = _COMPARISON.fullmatch(condition)
    if found is None:
        raise ValueError(f"`when` is A == B or A != B here; it was {condition!r}")
    return (_unquoted(found[1]) == _unquoted(found[3])) == (found[2] == "==")


def _unquoted(text: str) -> str:
    """Return a side of a comparison without the pair of quotes around it."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _of(name: str, scope: Mapping[str, str]) -> str:
    if name not in scope:
        raise ValueError(f"failed to resolve {{{{{name}}}}}")
    return scope[name]
