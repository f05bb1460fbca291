"""Progress on the terminal: a live line per running notebook, or plain lines where the output is no terminal."""

import sys
from typing import TYPE_CHECKING, Protocol

from labsupport.course.runner import Result

if TYPE_CHECKING:
    from rich.progress import TaskID


class Display(Protocol):
    """What a run tells while it goes on."""

    def started(self, name: str) -> None:
        """A notebook began."""

    def finished(self, result: Result) -> None:
        """A notebook ended."""

    def close(self) -> None:
        """The run is over."""


def display(total: int) -> Display:
    """Return the display that suits the output."""
    return Live(total) if sys.stdout.isatty() else Lines(total)


def line(result: Result) -> str:
    """Return one line on a result: pass or fail, seconds, MB."""
    kind = "pass" if result.passed else "FAIL"
    return f"{kind}  {result.name:<32} {result.cost.wall_seconds:6.1f} s {result.cost.memory_mb:6.0f} MB"


class Lines:
    """One line when a notebook ends."""

    def __init__(self, total: int) -> None:
        self.total, self.done = total, 0

    def started(self, name: str) -> None:
        """Say nothing: logs are read afterwards."""

    def finished(self, result: Result) -> None:
        """Print the result."""
        self.done += 1
        print(f"[{self.done}/{self.total}] {line(result)}", flush=True)

    def close(self) -> None:
        """Do nothing."""


class Live:
    """A moving line for each running notebook and one for the whole."""

    def __init__(self, total: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self.progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            transient=True,
        )
        self.progress.start()
        self.all = self.progress.add_task("course", total=total)
        self.tasks: dict[str, TaskID] = {}

    def started(self, name: str) -> None:
        """Add a line."""
        self.tasks[name] = self.progress.add_task(name, total=1)

    def finished(self, result: Result) -> None:
        """Replace the line by the result."""
        self.progress.remove_task(self.tasks.pop(result.name))
        self.progress.advance(self.all)
        self.progress.console.print(line(result), highlight=False, style=None if result.passed else "red")

    def close(self) -> None:
        """Leave the terminal as it was."""
        self.progress.stop()
