"""Trainings of small networks on one thread."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

P = ParamSpec("P")
R = TypeVar("R")


def one_thread(function: Callable[P, R]) -> Callable[P, R]:
    """Return the function with NumPy's products on one thread.

    Products this small take no less time on several threads, and on a busy machine, where threads wait for each other, twenty times as much.
    """

    @wraps(function)
    def calm(*args: P.args, **kwargs: P.kwargs) -> R:
        with threadpool_limits(1, user_api="blas"):
            return function(*args, **kwargs)

    return calm
