"""Log windows as tokens, and sixty days of incidents whose wording changes with each release.

A token here is a whole line with its numbers masked, or a word; 0 fills up, and 1 is what was not there in training.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from labsupport.dl.transformer import Tokens
from labsupport.world.logs import CAUSE_LINES, CAUSES, LogWindow, log_stream

DAYS = 60
RELEASES = (0, 20, 45)
"""The days from which on each cause has one more wording; half of its lines are in the newest."""


def kind(text: str) -> str:
    """Return a line with # for each number: lines of one kind differ in their numbers only."""
    return re.sub(r"\d+", "#", text)


def kinds(window: LogWindow) -> list[str]:
    """Return the kinds of a window's lines, in order."""
    return [kind(line.text()) for line in window.lines]


def vocabulary(texts: Iterable[Sequence[str]]) -> dict[str, int]:
    """Return the number of each token of some texts, from 2 on in order of appearance."""
    seen = dict.fromkeys(token for text in texts for token in text)
    return {token: number for number, token in enumerate(seen, 2)}


def encode(texts: Sequence[Sequence[str]], known: dict[str, int], length: int) -> Tokens:
    """Return texts as numbers (n, length): 1 for a token that is not known, 0 behind the end; what is longer is cut off."""
    result = np.zeros((len(texts), length), np.int64)
    for row, text in zip(result, texts, strict=True):
        row[: len(text)] = [known.get(token, 1) for token in text[:length]]
    return result


def causes(windows: Sequence["LogWindow | Incident"]) -> Tokens:
    """Return the causes of windows as numbers (n,): their places in `CAUSES`."""
    return np.array([CAUSES.index(window.cause) for window in windows])


@dataclass(frozen=True)
class Incident:
    """What the service wrote around an incident: `lines` with # for numbers, its `cause`, its `day`, and the wording (0, 1, 2) of its cause."""

    day: float
    cause: str
    wording: int
    lines: tuple[str, ...]

    @property
    def words(self) -> list[str]:
        """All words in order, with | between lines."""
        return " | ".join(self.lines).split()


def incidents(a_day: int = 12, *, seed: int = 0) -> list[Incident]:
    """Draw sixty days of incidents, `a_day` each day, in order of time; in each window one cause and its symptoms."""
    rng = np.random.default_rng([304, seed])
    return [_incident(rng, number / a_day) for number in range(DAYS * a_day)]


def _incident(rng: np.random.Generator, day: float) -> Incident:
    cause = CAUSES[int(rng.integers(len(CAUSES)))]
    released = sum(day >= release for release in RELEASES)
    newest = released == 1 or rng.random() < 0.5
    wanted = released - 1 if newest else int(rng.integers(released - 1))
    while True:
        stream = log_stream(90, incidents=((20, cause),), lines_per_s=0.05, seed=rng)
        lines = tuple(kind(line.text()) for line in stream)
        said = next(_WORDINGS[line] for line in lines if line in _WORDINGS)
        if said == wanted:
            return Incident(day, cause, wanted, lines)


_WORDINGS = {
    kind(f"{level} {component} {message.format(n=0)}"): place
    for lines in CAUSE_LINES.values()
    for place, (level, component, message) in enumerate(lines)
}
