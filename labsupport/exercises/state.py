"""The state of the interpreter in which a check runs, whatever the learner set, and which it leaves as it was.

Libraries that the learner has not imported are not imported here.
"""

import builtins
import contextlib
import decimal
import locale
import logging
import math
import os
import random
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from labsupport import paths
from labsupport.exercises import libraries

# A notebook's kernel puts its own in their place, in each cell anew.
_SHELL = {"display", "exit", "get_ipython", "input", "open", "quit"}
# As they were when the lesson brought us in: somebody may put a function of their own in a module later.
_GENUINE: list[tuple[ModuleType, dict[str, Any]]] = [
    (module, {name: value for name, value in vars(module).items() if not name.startswith("_") and name not in _SHELL})
    for module in (builtins, random, math, time, np, np.random)
]
_PATH = list(sys.path)
RECURSION_LIMIT = 1000
# Python's own filters: what else there is was set by somebody.
_FILTERS: list[tuple[Any, ...]] = [
    ("default", DeprecationWarning, "__main__"),
    ("ignore", DeprecationWarning, ""),
    ("ignore", PendingDeprecationWarning, ""),
    ("ignore", ImportWarning, ""),
    ("ignore", ResourceWarning, ""),
]
_NUMBERS = [
    getattr(locale, name) for name in ("LC_NUMERIC", "LC_TIME", "LC_COLLATE", "LC_MONETARY") if hasattr(locale, name)
]


@contextlib.contextmanager
def known_state() -> Iterator[None]:
    """Run a block in Python's, NumPy's and the other libraries' own settings, then give back those from before.

    Settings: NumPy's errors and printing, warnings, decimal numbers, the locale of numbers and dates, the recursion limit,
    the options of pandas, matplotlib and scikit-learn. The global random generators begin at 0. The working folder is the one
    in which the lesson began. Environment variables and `sys.path` stay, and are put back. Threads that the block's
    own code started are ended, figures that it made are closed; those that there were are out of its sight.
    """
    with contextlib.ExitStack() as stack:
        for keep in (
            _modules, _random, _numpy, _warnings, _decimal, _locale, _recursion, _logging, _folder, _variables, _threads,
            libraries.pandas, libraries.matplotlib, libraries.sklearn,
        ):  # fmt: skip
            stack.enter_context(keep())
        yield


@contextlib.contextmanager
def _modules() -> Iterator[None]:
    """Functions that somebody put in place of a module's own are out of the way, and come back."""
    now = [(module, {name: vars(module).get(name) for name in genuine}) for module, genuine in _GENUINE]
    for module, genuine in _GENUINE:
        _put(module, genuine)
    try:
        yield
    finally:
        for module, values in now:
            _put(module, values)


def _put(module: ModuleType, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if vars(module).get(name) is not value:
            setattr(module, name, value)


@contextlib.contextmanager
def _random() -> Iterator[None]:
    plain, numpys = random.getstate(), np.random.get_state()
    random.seed(0)
    np.random.set_state(np.random.RandomState(0).get_state())
    try:
        yield
    finally:
        random.setstate(plain)
        np.random.set_state(numpys)


@contextlib.contextmanager
def _numpy() -> Iterator[None]:
    own = np.printoptions(
        precision=8, threshold=1000, edgeitems=3, linewidth=75, suppress=False, nanstr="nan", infstr="inf",
        formatter=None, sign="-", floatmode="maxprec", legacy=False,
    )  # fmt: skip
    with own, np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"):
        yield


@contextlib.contextmanager
def _warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.resetwarnings()
        for action, category, module in reversed(_FILTERS):
            warnings.filterwarnings(action, category=category, module=module)
        yield


@contextlib.contextmanager
def _decimal() -> Iterator[None]:
    before = decimal.getcontext()
    traps = [decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow]
    decimal.setcontext(decimal.Context(prec=28, rounding=decimal.ROUND_HALF_EVEN, traps=traps))
    try:
        yield
    finally:
        decimal.setcontext(before)


@contextlib.contextmanager
def _locale() -> Iterator[None]:
    before = [(category, locale.setlocale(category)) for category in (*_NUMBERS, locale.LC_CTYPE)]
    for category in _NUMBERS:
        locale.setlocale(category, "C")
    try:
        yield
    finally:
        for category, name in before:
            locale.setlocale(category, name)


@contextlib.contextmanager
def _recursion() -> Iterator[None]:
    before, depth, frame = sys.getrecursionlimit(), 0, sys._getframe()
    while frame.f_back is not None:
        depth, frame = depth + 1, frame.f_back
    # What called the check takes nothing from what the answer may use.
    sys.setrecursionlimit(RECURSION_LIMIT + depth)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


@contextlib.contextmanager
def _folder() -> Iterator[None]:
    path, here = list(sys.path), _working_folder()
    # Modules beside the notebook are found from everywhere, and libraries whatever was taken out.
    sys.path[:] = [place or here or place for place in path] + [place for place in _PATH if place not in path]
    # By its number where there is one: the folder may have been moved or deleted.
    number = os.open(".", os.O_RDONLY) if os.chdir in os.supports_fd and os.access(".", os.R_OK) else None
    if _FOLDER and Path(_FOLDER).is_dir():
        os.chdir(_FOLDER)
    try:
        yield
    finally:
        sys.path[:] = path
        if number is not None:
            os.chdir(number)
            os.close(number)
        elif here:
            os.chdir(here)


def _working_folder() -> str:
    """Return the working folder, or nothing where it was deleted."""
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        return ""


_FOLDER = _working_folder()


@contextlib.contextmanager
def _variables() -> Iterator[None]:
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in set(os.environ) - set(before):
            del os.environ[name]
        for name, value in before.items():
            if os.environ.get(name) != value:
                os.environ[name] = value
        if hasattr(time, "tzset"):
            time.tzset()


@contextlib.contextmanager
def _logging() -> Iterator[None]:
    silenced, level = logging.root.manager.disable, logging.root.level
    logging.disable(logging.NOTSET)
    try:
        yield
    finally:
        logging.disable(silenced)
        logging.root.setLevel(level)


@contextlib.contextmanager
def _threads() -> Iterator[None]:
    before = set(threading.enumerate())
    try:
        yield
    finally:
        begun = [thread for thread in set(threading.enumerate()) - before if _is_of_an_answer(thread)]
        for thread in begun:
            _end(thread)
        limit = time.monotonic() + 0.3
        for thread in begun:
            thread.join(max(0.0, limit - time.monotonic()))


def _is_of_an_answer(thread: threading.Thread) -> bool:
    """Whether a thread runs code that neither a library nor the course has: these keep threads of their own, for later."""
    task: Callable[..., Any] | None = getattr(thread, "_target", None)
    if task is None and type(thread) is not threading.Thread:
        task = type(thread).run
    code = getattr(getattr(task, "__func__", task), "__code__", None)
    if code is None:
        return False
    return not any(
        place in code.co_filename for place in ("site-packages", "dist-packages", "/lib/python", str(paths.PACKAGE))
    )


def _end(thread: threading.Thread) -> None:
    """Raise SystemExit in a thread, which ends it silently at its next step in Python."""
    import ctypes

    if thread.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit))
