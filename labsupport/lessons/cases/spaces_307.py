"""The spaces of 307.3: what they can give, by trials that answer with the ends, and by draws."""

from collections.abc import Callable, Sequence
from typing import Any


class End:
    """A trial that says the first or last of all that it may say."""

    def __init__(self, at: int) -> None:
        self._at = at

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        return (low, high)[self._at]

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        return (low, high)[self._at]

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return (choices[0], choices[-1])[self._at]


def values(space: Callable[[Any], dict[str, Any]], drawn: list[dict[str, Any]]) -> dict[str, set[float]]:
    """Return all values that are known of each setting: those drawn, and those of both ends."""
    known = [*drawn, space(End(0)), space(End(1))]
    return {name: {each[name] for each in known} for name in drawn[0]}
