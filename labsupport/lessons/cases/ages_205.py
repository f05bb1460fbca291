"""Months of questions to a feature store whose job stops now and then: how old the newest row was, and what an answer from it cost."""

from dataclasses import dataclass

import numpy as np

from labsupport.arrays import FloatArray


@dataclass(frozen=True)
class Month:
    """Questions (n,): `ages` in minutes of the newest row, `missed`, the euros that an answer from it cost; `refused`: one without."""

    ages: FloatArray
    missed: FloatArray
    refused: float

    def bill(self, limit: float) -> float:
        """Return the mean euros a question when rows up to this age answer, and older ones are refused."""
        return float(np.where(self.ages <= limit, self.missed, self.refused).mean())

    def cheapest(self) -> float:
        """Return the limit with the smallest bill, of those at an age that occurs and of refusing all."""
        order = np.argsort(self.ages)
        saved = np.concatenate([[0.0], np.cumsum(self.refused - self.missed[order])])
        best = int(saved.argmax())
        return float(self.ages[order][best - 1]) if best else -1.0


@dataclass(frozen=True)
class Team:
    """A kind of month: what a fresh row costs, how that grows an hour, what a refusal costs, and which share of rows is old."""

    fresh: float
    an_hour: float
    refused: float
    old: float
    a_day_back: bool = False  # whether a row of the same hour of the day before is good again

    def month(self, seed: int, questions: int = 4000) -> Month:
        """Draw a month."""
        rng = np.random.default_rng([205, seed])
        fresh, gaps = rng.uniform(0.5, 5.5, questions), rng.uniform(5, 1440 if self.a_day_back else 600, questions)
        ages = np.where(rng.random(questions) < self.old, gaps, fresh)
        hours = ages / 60
        grown = 4 * (1 - np.cos(2 * np.pi * hours / 24)) if self.a_day_back else hours
        # Single forecasts are lucky or not, whatever their age.
        missed = (self.fresh + self.an_hour * grown) * rng.lognormal(-0.32, 0.8, questions)
        return Month(ages, missed, self.refused)


TEAMS = (
    Team(fresh=0.3, an_hour=0.3, refused=0.9, old=0.25),
    Team(fresh=0.3, an_hour=0.3, refused=1.8, old=0.15),
    Team(fresh=1.0, an_hour=0.4, refused=1.6, old=0.4),
    Team(fresh=0.3, an_hour=0.3, refused=1.2, old=0.5, a_day_back=True),
    Team(fresh=0.3, an_hour=1.5, refused=0.9, old=0.5),
)


def other_limits(month: Month) -> dict[str, float]:
    """Return the limits of plausible mistakes, by what to say of each."""
    order = np.argsort(month.ages)
    bad = order[month.missed[order] > month.refused]
    return {
        "nothing is refused: then rows of half a day answer, and cost more than a refusal": float(month.ages.max()),
        "nearly everything is refused: a fresh row costs less than a refusal": float(month.ages.min()),
        "one unlucky forecast from a fresh row decides: add up what all rows up to an age cost": float(month.ages[bad[0]]),
        "the most expensive single answer decides: add up what all rows up to an age cost": float(month.ages[month.missed.argmax()]),
        "the largest age at which some answer was cheap decides: add up what all rows up to an age cost": float(month.ages[month.missed <= month.refused].max()),
        "this is where answers save most by the piece, or the age with the cheapest answer: the limit counts for all ages below it": float(month.ages[month.missed.argmin()]),
        "where old rows are rare, a share of the ages lies low: how often a row is old does not say what it costs (a quantile of 0.9)": float(np.quantile(month.ages, 0.9)),
        "how often a row is old does not say what an answer from it costs (a quantile of 0.95)": float(np.quantile(month.ages, 0.95)),
        "how often a row is old does not say what an answer from it costs (a quantile of 0.99)": float(np.quantile(month.ages, 0.99)),
        "the usual age is no limit: how often a row is old does not say what an answer from it costs": float(np.median(month.ages)),
        "the mean age is no limit: how often a row is old does not say what an answer from it costs": float(month.ages.mean()),
    }  # fmt: skip
