"""Call the learner's code on copies of the inputs, with a time limit, and tell its errors from the checker's."""

import contextlib
import io
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from types import TracebackType
from typing import Any

from labsupport.exercises import arguments
from labsupport.exercises.outcomes import LearnerError, NotAttempted, TimeUp

PACKAGE = str(Path(__file__).resolve().parents[1])
# So many times as long as an answer may work, it may take by the clock.
PATIENCE = 6
# The arguments that the learner's code changed in the check that runs: (name, what changed).
_changes: ContextVar[list[tuple[str, str]] | None] = ContextVar("changes", default=None)


class Guarded:
    """The learner's function, callable by a checker without risk to the checker's own data."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.name = getattr(function, "__name__", type(function).__name__)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it on deep copies of the arguments; raise LearnerError or NotAttempted instead of its own exceptions.

        What it changes in the copies is noted for `watch_arguments`.
        """
        given_args, given_kwargs = arguments.copies(args, kwargs)
        with learners_code():
            returned = self.function(*given_args, **given_kwargs)
        noted = _changes.get()
        if noted is not None:
            change = arguments.first_change(self.function, (args, kwargs), (given_args, given_kwargs))
            noted += [change] if change else []
        return returned


@contextlib.contextmanager
def watch_arguments() -> Iterator[list[tuple[str, str]]]:
    """Collect what calls of `Guarded` in the block changed in their arguments: (name, what changed), in order."""
    noted: list[tuple[str, str]] = []
    token = _changes.set(noted)
    try:
        yield noted
    finally:
        _changes.reset(token)


@contextlib.contextmanager
def learners_code() -> Iterator[None]:
    """Mark a block as the learner's: what it prints is kept back, what it raises becomes LearnerError."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    except NotImplementedError as error:
        if _is_a_librarys(traceback.extract_tb(error.__traceback__)[-1].filename):
            raise LearnerError(f"{type(error).__name__}: {error}".splitlines()[0], own_traceback(error)) from None
        raise NotAttempted from None
    except (LearnerError, NotAttempted):
        raise
    except (Exception, SystemExit) as error:
        # Messages of pandas and NumPy span lines; the first one names the fault, the traceback shows all.
        message = f"{type(error).__name__}: {error}".splitlines()[0]
        raise LearnerError(message, own_traceback(error)) from None


def own_traceback(error: BaseException) -> str:
    """Return the lines of a traceback that stand in the learner's own cells, with the text of each line."""
    frames = []
    for frame in traceback.extract_tb(_outside_package(error.__traceback__)):
        if frame.filename.startswith(PACKAGE) or _is_a_librarys(frame.filename):
            continue
        text = f": {frame.line}" if frame.line else ""
        frames.append(f"line {frame.lineno} in {frame.name}{text}")
    if len(frames) > 20:
        frames[10:-5] = [f"... {len(frames) - 15} more calls ..."]
    return "\n".join([*frames, f"{type(error).__name__}: {error}"])


def _is_a_librarys(file: str) -> bool:
    return "site-packages" in file or "/lib/python" in file


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeUp in the block after `seconds` of this process's own work, or `PATIENCE` times as long by the clock.

    Work is what counts, so that an answer is judged alike on a busy machine; the clock is for code that waits. It can't
    interrupt native code, and does nothing outside the main thread.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    rings = True

    def ring(number: int, frame: Any) -> None:
        if rings:
            raise TimeUp

    alarms = ((signal.ITIMER_PROF, signal.SIGPROF, seconds), (signal.ITIMER_REAL, signal.SIGALRM, PATIENCE * seconds))
    before = [signal.signal(number, ring) for _, number, _ in alarms]
    for timer, _, after in alarms:
        # It rings again and again, for code that catches everything once.
        signal.setitimer(timer, after, 0.2)
    try:
        yield
    finally:
        rings = False
        for (timer, number, _), handler in zip(alarms, before, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(number, handler)


def _outside_package(tb: TracebackType | None) -> TracebackType | None:
    while tb is not None and tb.tb_frame.f_code.co_filename.startswith(PACKAGE):
        tb = tb.tb_next
    return tb
