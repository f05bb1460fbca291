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
    """Run a block with matplotlib's own settings, a backend without a window, and no figure but those that it makes."""
    mpl = sys.modules.get("matplotlib")
    if mpl is None or not hasattr(mpl, "rcParamsDefault"):
        yield
        _close_all()
        return
    # `dict`, because asking matplotlib itself for its backend chooses one.
    before = dict(dict.items(mpl.rcParams))
    chosen, own = before["backend"], dict(dict.items(mpl.rcParamsDefault))
    dict.update(mpl.rcParams, {name: value for name, value in own.items() if not name.startswith("backend")})
    with _without_figures():
        _switch("agg", chosen)
        try:
            yield
        finally:
            _close_all()
            _switch(chosen, dict.__getitem__(mpl.rcParams, "backend"))
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


@contextlib.contextmanager
def _without_figures() -> Iterator[None]:
    """Put the figures that there are away, so that nobody draws on them."""
    helpers = sys.modules.get("matplotlib._pylab_helpers")
    if helpers is None:
        yield
        return
    before, helpers.Gcf.figs = helpers.Gcf.figs, type(helpers.Gcf.figs)()
    try:
        yield
    finally:
        helpers.Gcf.figs = before


def _close_all() -> None:
    plt = sys.modules.get("matplotlib.pyplot")
    if plt:
        plt.close("all")


def _switch(wanted: Any, now: Any) -> None:
    """Change pyplot's backend; one that was not chosen yet is left for matplotlib to choose."""
    plt = sys.modules.get("matplotlib.pyplot")
    if plt and isinstance(wanted, str) and isinstance(now, str) and wanted.lower() != now.lower():
        with contextlib.suppress(ImportError):
            plt.switch_backend(wanted)


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
