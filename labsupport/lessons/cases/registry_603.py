"""Exercise 603.4: a small registry whose caller is killed at any moment, before or after what a call does."""

from collections.abc import Callable
from dataclasses import dataclass, field


class Killed(BaseException):
    """The pod is gone. Not an Exception: a program has no chance to catch the end of its own process."""


@dataclass
class Registry:
    """Versions by the run they were made from, and a champion; the caller is killed at the `kill_at`-th moment (from 1 up).

    Each call has two moments: before it does something, and after that, before the caller gets to know.
    """

    versions: list[str] = field(default_factory=list)
    champion_is: int | None = None
    kill_at: int = 0
    moments: int = 0

    def version_of(self, run: str) -> int | None:
        """Return the version that was made from a run, or None."""
        self._moment()
        found = self.versions.index(run) + 1 if run in self.versions else None
        self._moment()
        return found

    def make_version(self, run: str) -> int:
        """Make the next version from a run, and return it."""
        self._moment()
        self.versions.append(run)
        made = len(self.versions)
        self._moment()
        return made

    def champion(self) -> int | None:
        """Return the version that is champion, or None."""
        self._moment()
        found = self.champion_is
        self._moment()
        return found

    def set_champion(self, version: int) -> None:
        """Let a version be champion."""
        self._moment()
        if not isinstance(version, int) or not 1 <= version <= len(self.versions):
            raise ValueError(f"there is no version {version!r}")
        self.champion_is = version
        self._moment()

    def __deepcopy__(self, memo: object) -> "Registry":
        """A registry is a place, no value: whoever is handed one works on this one."""
        return self

    def _moment(self) -> None:
        self.moments += 1
        if self.moments == self.kill_at:
            raise Killed


def with_a_kill(
    register: Callable[[Registry, str], object], before: list[str], kill_at: int
) -> tuple[Registry, object]:
    """Let `register` be killed at a moment and begun again; returns the registry and what the second try returned.

    `before`: the runs of which there are versions already; the last of them is champion.
    """
    registry = Registry(list(before), len(before) or None, kill_at)
    try:
        said = register(registry, "mine")
    except Killed:
        said = register(registry, "mine")
    return registry, said
