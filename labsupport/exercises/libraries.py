"""The settings of pandas, matplotlib and scikit-learn in a check: their own, where the learner has imported them."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

# scikit-learn keeps no public list of what it begins with.
_SKLEARN = {
    "assume_finite": False, "working_memory": 1024, "print_changed_only": True, "display": "diagram",
    "enable_cython_pairwise_dist": True, "array_api_dispatch": False, "transform_output": "default",
    "enable_metadata_routing": False, "skip_parameter_validation": False,
}  # fmt: skip


@contextlib.contextmanager
def pandas() -> Iterator[None]:
    """Run a block with pandas' own options."""
    pd = sys.modules.get("pandas")
    if pd is None:
        yield
        return
    before = _options(pd.options)
    _set(pd, _pandas_defaults(), before)
    try:
        yield
    finally:
        _set(pd, before, _options(pd.options))


@contextlib.contextmanager
def matplotlib() -> Iterator[None]:
    """Run a block with matplotlib's own settings and a backend without a window; close the figures that it made."""
    mpl, plt = sys.modules.get("matplotlib"), sys.modules.get("matplotlib.pyplot")
    if mpl is None or not hasattr(mpl, "rcParamsDefault"):
        yield
        _close(set())
        return
    # `dict`, because asking matplotlib itself for its backend chooses one.
    before = dict(dict.items(mpl.rcParams))
    figures = set(plt.get_fignums()) if plt else set()
    chosen = before["backend"]
    own = {name: value for name, value in dict.items(mpl.rcParamsDefault) if not name.startswith("backend")}
    dict.update(mpl.rcParams, own)
    if plt and isinstance(chosen, str) and chosen.lower() != "agg":
        plt.switch_backend("agg")
    try:
        yield
    finally:
        _close(figures)
        plt = sys.modules.get("matplotlib.pyplot")
        if plt and isinstance(chosen, str) and dict.__getitem__(mpl.rcParams, "backend") != chosen:
            with contextlib.suppress(ImportError):
                plt.switch_backend(chosen)
        dict.update(mpl.rcParams, before)


@contextlib.contextmanager
def sklearn() -> Iterator[None]:
    """Run a block with scikit-learn's own settings."""
    library = sys.modules.get("sklearn")
    if library is None or not hasattr(library, "get_config"):
        yield
        return
    before = library.get_config()
    library.set_config(**{name: value for name, value in _SKLEARN.items() if before.get(name, value) != value})
    try:
        yield
    finally:
        library.set_config(**before)


def _close(kept: set[int]) -> None:
    plt = sys.modules.get("matplotlib.pyplot")
    if plt:
        for number in set(plt.get_fignums()) - kept:
            plt.close(number)


def _pandas_defaults() -> dict[str, Any]:
    """Return what each option begins with; pandas says it in prose only, so this looks inside."""
    from pandas._config import config

    registered: dict[str, Any] = vars(config).get("_registered_options", {})
    return {name: option.defval for name, option in registered.items()}


def _options(part: Any, prefix: str = "") -> dict[str, Any]:
    """Return the options of pandas by their full names."""
    values: dict[str, Any] = {}
    for name, value in object.__getattribute__(part, "d").items():
        if isinstance(value, dict):
            values |= _options(type(part)(value, f"{prefix}{name}."), f"{prefix}{name}.")
        else:
            values[f"{prefix}{name}"] = value
    return values


def _set(pd: Any, wanted: dict[str, Any], now: dict[str, Any]) -> None:
    for name, value in wanted.items():
        if name in now and now[name] is not value and now[name] != value:
            pd.set_option(name, value)
