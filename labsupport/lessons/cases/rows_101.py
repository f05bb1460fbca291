"""Signs of rain for 101.5: leaks and honest ones, of which every plausible other rule picks other names."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

DAYS = 2000


def signs() -> tuple["pd.DataFrame", "pd.Series", "pd.Series"]:
    """Return eight signs, whether it rained, and whether it rained on the day after: boolean, one row a day.

    Rain comes on three days in ten and stays with 75 %, as real rain does: an honest sign agrees often with tomorrow, too.
    """
    import pandas as pd

    rng = np.random.default_rng(5)
    days = [False]
    for chance in rng.random(DAYS - 1):
        days.append(bool(chance < (0.75 if days[-1] else 0.11)))
    rain = pd.Series(days)
    tomorrow = rain.shift(-1, fill_value=False)

    def with_errors(truth: "pd.Series", share: float) -> "pd.Series":
        return truth ^ (rng.random(DAYS) < share)

    columns = {
        "honest": with_errors(rain, 0.02),
        "loud_leak": with_errors(tomorrow, 0.02),
        "noise_like_today": with_errors(rain, 0.3),
        "quiet_leak": with_errors(tomorrow, 0.15),
        "coincidence": with_errors(rain, 0.56),
        # Rare and right: nearly every day it shows comes before rain, but it shows on few.
        "rare_leak": tomorrow & ~rain & (rng.random(DAYS) < 0.3),
        # Shows before rain and on many other days.
        "eager": tomorrow | (~rain & (rng.random(DAYS) < 0.45)),
        # Always dry after a dry day: knows tomorrow's dry days only.
        "knows_dry_days": rain & (tomorrow | (rng.random(DAYS) < 0.2)),
    }
    return pd.DataFrame(columns), rain, tomorrow


def agreement(signs: "pd.DataFrame", truth: "pd.Series") -> "pd.Series":
    """Return for each sign the share of days on which it equals the truth."""
    return _each(signs, lambda sign: (sign == truth).mean())


def precision(signs: "pd.DataFrame", truth: "pd.Series") -> "pd.Series":
    """Return for each sign the share of the days it shows that are true."""
    return _each(signs, lambda sign: truth[sign].mean())


def recall(signs: "pd.DataFrame", truth: "pd.Series") -> "pd.Series":
    """Return for each sign the share of the true days that it shows."""
    return _each(signs, lambda sign: sign[truth].mean())


def both(signs: "pd.DataFrame", truth: "pd.Series") -> "pd.Series":
    """Return for each sign the share of days on which it shows and the truth is true."""
    return _each(signs, lambda sign: (sign & truth).mean())


def _each(signs: "pd.DataFrame", share: Callable[["pd.Series"], float]) -> "pd.Series":
    import pandas as pd

    return pd.Series({name: share(signs[name]) for name in signs})
