"""Measure what containers use, as cAdvisor does inside a kubelet: processor time and memory from /proc."""

import asyncio
import contextlib
import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

PERIOD = 1.0
# A rate over the last five samples follows load within seconds and still doesn't jump with every garbage collection.
WINDOW = 5
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class HasSession(Protocol):
    """A container, as far as its usage is concerned."""

    @property
    def session(self) -> int | None:
        """The id of the session of its processes."""


@dataclass(frozen=True)
class Sample:
    """What a container uses now: processor cores (1.0 is one core, busy) and bytes of memory."""

    cpu_cores: float
    resident_bytes: int


@dataclass
class _Session:
    """All processes of one session, added up."""

    parent: int = 0
    seconds: float = 0.0
    private: int = 0
    shared: int = 0


@dataclass
class _History:
    seconds: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=WINDOW + 1))
    resident: int = 0


class Usage:
    """Samples all sessions of this machine every second; a container is its session and all that came of it."""

    def __init__(self, proc: Path = Path("/proc"), clock: Callable[[], float] = time.monotonic) -> None:
        self._proc, self._clock = proc, clock
        self._guests: dict[int, int] = {}
        self._histories: dict[int, _History] = {}

    async def run(self) -> None:
        """Sample for ever."""
        while True:
            self.sample()
            await asyncio.sleep(PERIOD)

    def join(self, session: int, container: HasSession) -> None:
        """Count a session that was started from outside (exec) as the container's until `leave`."""
        if container.session is not None:
            self._guests[session] = container.session

    def leave(self, session: int) -> None:
        self._guests.pop(session, None)

    def of(self, container: HasSession) -> Sample | None:
        """Return the container's usage, or None until it was seen twice."""
        history = self._histories.get(container.session or 0)
        if history is None or len(history.seconds) < 2:
            return None
        (began, before), (ended, after) = history.seconds[0], history.seconds[-1]
        # A process that nobody waited for takes its seconds with it.
        return Sample(max(0.0, after - before) / max(ended - began, 1e-9), history.resident)

    def sample(self) -> None:
        """Look at all processes once."""
        now, sessions = self._clock(), self._read()
        members: dict[int, list[_Session]] = {}
        for number in sessions:
            for ancestor in self._line(number, sessions):
                members.setdefault(ancestor, []).append(sessions[number])
        histories = {}
        for number, group in members.items():
            history = histories[number] = self._histories.get(number) or _History()
            history.seconds.append((now, sum(session.seconds for session in group)))
            # Private pages add up; libraries and what fork left shared would count once for every process.
            history.resident = sum(session.private for session in group) + max(session.shared for session in group)
        self._histories = histories

    def _line(self, number: int, sessions: dict[int, _Session]) -> list[int]:
        """Return a session, the session that started it, and so on."""
        line: list[int] = []
        while number in sessions and number not in line:
            line.append(number)
            number = self._guests.get(number) or sessions[number].parent
        return line

    def _read(self) -> dict[int, _Session]:
        sessions: dict[int, _Session] = {}
        session_of: dict[int, int] = {}
        parents: dict[int, int] = {}
        for entry in os.scandir(self._proc):
            if not entry.name.isdigit():
                continue
            # Processes end while we look.
            with contextlib.suppress(OSError, ValueError, IndexError):
                process, folder = int(entry.name), Path(entry.path)
                # proc(5): the name, in parentheses, may hold blanks; behind it: state, parent, group, session, ...
                fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
                parents[process], session_of[process] = int(fields[1]), int(fields[3])
                resident, shared = (_PAGE * int(part) for part in (folder / "statm").read_text().split()[1:3])
                session = sessions.setdefault(session_of[process], _Session())
                # User and system time, and that of children that were waited for.
                session.seconds += sum(int(ticks) for ticks in fields[11:15]) / _TICKS
                session.private += resident - shared
                session.shared = max(session.shared, shared)
        for number, session in sessions.items():
            # The leader has the number of its session; whoever started it tells where the session belongs.
            session.parent = session_of.get(parents.get(number, 0), 0)
        return sessions
