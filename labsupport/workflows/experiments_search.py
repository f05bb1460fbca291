"""Where to try next, asked anew each time: no search lives in the controller, so nothing is lost when its pod dies."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from labsupport.dl.space import OneOf, Range, Settings, draw


def suggest(
    algorithm: str,
    space: Mapping[str, Range],
    number: int,
    trials: Iterable[tuple[Settings, float | None]],
    maximize: bool = True,
    *,
    random_state: int = 0,
    n_startup_trials: int = 10,
) -> Settings:
    """Return settings for trial `number` (0, 1, ...).

    `trials`: the settings of all trials before it, each with its value, or None where there is none (it runs, or failed).
    `random` looks at its number only. `multivariate-tpe` (Optuna, as in Katib) looks at the values and draws more often where they are good,
    after `n_startup_trials` of them; where a trial runs it expects nothing good, so that two don't try the same.
    """
    rng = np.random.default_rng([random_state, number])
    if algorithm == "random":
        return draw(space, rng)
    return _tpe(space, trials, maximize, int(rng.integers(2**31)), n_startup_trials)


def _tpe(
    space: Mapping[str, Range], trials: Iterable[tuple[Settings, float | None]], maximize: bool, seed: int, startup: int
) -> Settings:
    import warnings

    import optuna
    from optuna.trial import TrialState, create_trial

    from labsupport.dl.optuna_search import distributions

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    words = distributions(space)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=startup, multivariate=True, constant_liar=True)
    study = optuna.create_study(direction="maximize" if maximize else "minimize", sampler=sampler)
    for settings, value in trials:
        state = TrialState.RUNNING if value is None else TrialState.COMPLETE
        study.add_trial(create_trial(state=state, params=settings, distributions=words, value=value))
    return dict(study.ask(words).params)


def written(settings: Settings) -> dict[str, str]:
    """Return settings as texts, as a command line takes them."""
    return {name: f"{value:.6g}" if isinstance(value, float) else str(value) for name, value in settings.items()}


def read(texts: Mapping[str, str], space: Mapping[str, Range]) -> Settings:
    """Return the settings that `written` wrote. Raises ValueError for a text that names nothing of the space."""
    return {name: _read(texts[name], one) for name, one in space.items()}


def _read(text: str, one: Range) -> Any:
    if isinstance(one, OneOf):
        named = {str(value): value for value in one.values}
        if text not in named:
            raise ValueError(f"{text!r} is none of {', '.join(named)}")
        return named[text]
    return type(one.at(0))(text)
