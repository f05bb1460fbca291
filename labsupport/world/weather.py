"""Four years of real weather: Seattle, 2012 to 2015, day by day (NOAA, public domain, from the vega_datasets wheel)."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

SEASONS = ("winter", "spring", "summer", "autumn")


def seattle_weather() -> "pd.DataFrame":
    """Return one row a day with the signs of the day and whether it rained on the next.

    Columns: `date`; `precipitation` (mm), `temp_max`, `temp_min` (degrees Celsius), `wind` (m/s); `rain` (bool: more
    than 0 mm); `season` (winter is December to February); `rain_tomorrow` (bool). The last day of the record has no
    tomorrow and is left out: 1,460 rows.
    """
    from vega_datasets import data

    days: pd.DataFrame = data.seattle_weather().drop(columns="weather")
    days["rain"] = days["precipitation"] > 0
    days["season"] = (days["date"].dt.month % 12 // 3).map(dict(enumerate(SEASONS)))
    days["rain_tomorrow"] = days["rain"].shift(-1)
    days = days.iloc[:-1].copy()
    days["rain_tomorrow"] = days["rain_tomorrow"].astype(bool)
    return days


def signs_of_a_colleague(days: "pd.DataFrame") -> "pd.DataFrame":
    """Return four boolean signs for the days of `seattle_weather`, of which one was written down a day too late.

    Material for "find the fault": `east_wind` is tomorrow's rain, mistaken on one day in fifty; the others are
    honest functions of the day's own measurements.
    """
    import numpy as np
    import pandas as pd

    mistaken = np.arange(len(days)) % 50 == 0
    return pd.DataFrame(
        {
            "fog_horn": days["wind"] < 2.0,
            "east_wind": days["rain_tomorrow"] ^ mistaken,
            "cold_morning": days["temp_min"] < 5,
            "wet_grass": days["precipitation"] > 0.5,
        }
    )
