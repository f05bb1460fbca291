"""What the service writes down: structured log lines, a stream of them, and windows in which the order tells the cause.

Causes are changes (a deploy, a full disk); symptoms are what users feel and look the same whatever the cause. In a
window several causes appear, before and after the first symptom. The one to blame is the last before it: a cause after
the symptom can't be one, and an earlier one had time to show itself. Counting words can't tell; reading in order can.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

CAUSES = ("deploy", "db", "disk", "dns")

# (level, component, message); {n} is drawn from NUMBERS.
CAUSE_LINES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "deploy": (
        ("INFO", "rollout", "new version {n} started"),
        ("INFO", "rollout", "configuration reloaded revision {n}"),
        ("INFO", "rollout", "feature flag switched on"),
    ),
    "db": (
        ("WARN", "postgres", "connection pool exhausted {n} waiting"),
        ("WARN", "postgres", "replica lag {n} seconds"),
        ("WARN", "postgres", "lock held {n} seconds"),
    ),
    "disk": (
        ("WARN", "kubelet", "volume usage {n} percent"),
        ("WARN", "kubelet", "write latency {n} ms"),
        ("WARN", "kubelet", "no inodes left on volume"),
    ),
    "dns": (
        ("WARN", "coredns", "lookup failed no such host"),
        ("WARN", "coredns", "resolver slow {n} ms"),
        ("WARN", "coredns", "zone transfer refused"),
    ),
}
SYMPTOM_LINES = (
    ("ERROR", "gateway", "upstream timed out after {n} ms"),
    ("ERROR", "gateway", "status 503 returned"),
    ("ERROR", "checkout", "request failed giving up after {n} retries"),
    ("ERROR", "checkout", "latency above objective"),
)
NOISE_LINES = (
    ("INFO", "gateway", "status 200 returned"),
    ("INFO", "checkout", "order accepted"),
    ("INFO", "checkout", "cache refreshed {n} entries"),
    ("DEBUG", "kubelet", "probe succeeded"),
    ("DEBUG", "postgres", "checkpoint complete"),
    ("INFO", "scheduler", "job finished in {n} seconds"),
)
NUMBERS = (3, 7, 12, 30, 45, 85, 92, 250, 900)


@dataclass(frozen=True)
class LogLine:
    """One line: `time_s` (seconds), `level`, `component`, `message`, `trace_id` (32 hexadecimal digits, as W3C)."""

    time_s: float
    level: str
    component: str
    message: str
    trace_id: str

    def text(self) -> str:
        """Return the line for eyes: level, component, message."""
        return f"{self.level} {self.component} {self.message}"

    def json(self) -> str:
        """Return the line for machines: one JSON object with all fields."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class LogWindow:
    """A few lines in order of time, and the cause of their first symptom, one of `CAUSES`."""

    lines: tuple[LogLine, ...]
    cause: str

    def text(self) -> str:
        """Return all lines in order, one below the other."""
        return "\n".join(line.text() for line in self.lines)


def log_windows(count: int, *, seed: int | np.random.Generator = 0, most_lines: int = 11) -> list[LogWindow]:
    """Draw windows of log lines, labelled with the cause that comes last before the first symptom.

    `most_lines`: from 8 on; a window has 6 to `most_lines` lines. Each cause other than the right one is there three
    times out of four, on either side of the symptom; causes are equally frequent. Raises ValueError for fewer lines.
    """
    if most_lines < 8 or count < 0:
        raise ValueError(f"windows have most_lines from 8 on, and a count from 0 on; got {most_lines} and {count}")
    rng = np.random.default_rng(seed)
    return [_window(rng, most_lines) for _ in range(count)]


def log_stream(
    duration_s: float = 3600.0,
    *,
    incidents: Sequence[tuple[float, str]] = (),
    lines_per_s: float = 1.0,
    seed: int | np.random.Generator = 0,
) -> list[LogLine]:
    """Draw the service's log over a time, in order: everyday lines, and incidents with their cause and symptoms.

    `duration_s`: seconds; `incidents`: (second, cause), the cause one of `CAUSES`. An incident writes its cause, and 20
    to 60 seconds later symptoms for five minutes, twice as often as everyday lines; a failing request writes two lines
    with one trace id. Raises ValueError for an unknown cause or a duration or rate that is not above 0.
    """
    if not (duration_s > 0 and lines_per_s > 0):
        raise ValueError(f"duration_s and lines_per_s are above 0; got {duration_s} and {lines_per_s}")
    rng = np.random.default_rng(seed)
    everyday = rng.uniform(0, duration_s, rng.poisson(duration_s * lines_per_s))
    lines = [_line(rng, _pick(rng, NOISE_LINES), float(second)) for second in everyday]
    for start_s, cause in incidents:
        if cause not in CAUSE_LINES:
            raise ValueError(f"an incident's cause is one of {', '.join(CAUSES)}; got {cause!r}")
        lines.append(_line(rng, _pick(rng, CAUSE_LINES[cause]), start_s))
        first_s = start_s + rng.uniform(20, 60)
        for second in first_s + np.append(0.0, rng.uniform(0, 300, rng.poisson(300 * lines_per_s))):
            trace_id = rng.bytes(16).hex()
            inner, outer = SYMPTOM_LINES[int(rng.integers(2, 4))], SYMPTOM_LINES[int(rng.integers(0, 2))]
            lines += [_line(rng, inner, float(second), trace_id), _line(rng, outer, float(second) + 0.01, trace_id)]
    return sorted((line for line in lines if line.time_s < duration_s), key=lambda line: line.time_s)


def _window(rng: np.random.Generator, most_lines: int) -> LogWindow:
    cause, *others = (CAUSES[i] for i in rng.permutation(len(CAUSES)))
    present = [other for other in others if rng.random() < 0.75]
    early = int(rng.integers(0, len(present) + 1))
    causes = [*present[:early], cause]
    drawn = [_pick(rng, CAUSE_LINES[name]) for name in causes] + [_pick(rng, SYMPTOM_LINES)]
    after = [_pick(rng, CAUSE_LINES[name]) for name in present[early:]] + [_pick(rng, SYMPTOM_LINES)]
    drawn += [after[i] for i in rng.permutation(len(after))]
    # Everyday lines fall in anywhere; they move nothing past the symptom.
    for _ in range(int(rng.integers(6, most_lines + 1)) - len(drawn)):
        drawn.insert(int(rng.integers(0, len(drawn) + 1)), _pick(rng, NOISE_LINES))
    seconds = np.cumsum(rng.exponential(5.0, len(drawn)))
    lines = tuple(_line(rng, what, float(second)) for what, second in zip(drawn, seconds, strict=True))
    return LogWindow(lines, cause)


def _pick(rng: np.random.Generator, lines: Sequence[tuple[str, str, str]]) -> tuple[str, str, str]:
    return lines[int(rng.integers(len(lines)))]


def _line(rng: np.random.Generator, what: tuple[str, str, str], time_s: float, trace_id: str | None = None) -> LogLine:
    level, component, message = what
    number = NUMBERS[int(rng.integers(len(NUMBERS)))]
    return LogLine(round(time_s, 3), level, component, message.format(n=number), trace_id or rng.bytes(16).hex())
