"""guess and reveal: the learner says a number before the lesson shows it, and is scored."""

import math
import numbers
from typing import Any

import numpy as np

from labsupport.errors import LabsError
from labsupport.exercises import progress
from labsupport.exercises.define import Guess, exercises_of
from labsupport.exercises.render import Card, show, show_error
from labsupport.exercises.scores import SURE, surprise

_UNSEEN = "Have you not read it, after a run of all cells, say? Then add `unseen=True`, and it counts."


def guess(
    key: str, probability: Any = ..., high_end: Any = ..., *, low: Any = ..., high: Any = ..., unseen: bool = False
) -> None:
    """Keep your first guess, before the truth is shown; without one, ask for it.

    A sentence wants the probability that it is true, `guess("203.g1", 0.7)`; a number wants an interval that should hold it
    in 8 of 10 cases, `guess("203.g2", low=2, high=9)`. A run of all cells shows the truth to who did not guess, too: whether you
    have read it, only you know. `unseen=True` says that you have not, and the guess counts.
    """
    try:
        asked = _declared(key)
        if not asked.is_sentence and low is ... and high is ...:
            low, high, probability, high_end = probability, high_end, ..., ...
        if probability is ... and high_end is ... and low is ... and high is ...:
            show(Card("GUESS", f"{key} {asked.text}{_in_unit(asked)}", [("", _how(asked)), *_shown_before(key)]))
            return
        if high_end is not ...:
            raise LabsError(f"{key} is about one sentence: one probability. {_how(asked)}")
        value = (
            _probability(asked, probability, low, high)
            if asked.is_sentence
            else _interval(asked, probability, low, high)
        )
    except LabsError as error:
        show_error(key, error)
        return
    known, note = progress.record_guess(key, value, unseen is True)
    show(Card("GUESS", f"{key} {asked.text}{_in_unit(asked)}", [*_kept(asked, value, known), *_note(note)]))


def reveal(key: str, truth: Any) -> None:
    """Show the truth about a guess and, where there is a guess, its score; without one it says the truth and goes on.

    `truth` is True or False for a sentence, a number for the others; raises LabsError for anything else, for it is the
    lesson's own.
    """
    try:
        asked = _declared(key)
    except LabsError as error:
        show_error(key, error)
        return
    value = _truth(asked, truth)
    known, note = progress.record_truth(key, value)
    title = f"{key} {asked.text}: {'true' if value else 'not true'}"
    if not asked.is_sentence:
        title = f"{key} {asked.text}: {quantity(value, asked.unit)}"
    lines = _scored(asked, known) if "guess" in known else []
    if lines and known["truth"] != value:
        first = quantity(known["truth"], asked.unit) if not asked.is_sentence else str(known["truth"]).lower()
        lines.append(("", f"The first time it was {first}: that is what your guess is scored by."))
    show(Card("TRUTH", title, [*lines, *_note(note)]))


def quantity(value: float, unit: str | None) -> str:
    """Return a number to three digits with its unit: 0.0123, 12.3 ms, 12,300."""
    digits = 2 - math.floor(math.log10(abs(value))) if value else 0
    shown = f"{round(value, digits):,.{max(digits, 0)}f}"
    shown = shown.rstrip("0").rstrip(".") if "." in shown else shown
    return f"{shown} {unit}" if unit else shown


def percent(probability: float) -> str:
    """Return a probability as people say it: 70 %, 99.9 %."""
    return f"{100 * probability:.3g} %"


def _declared(key: str) -> Guess:
    lesson = exercises_of(key)
    if key in lesson.guesses:
        return lesson.guesses[key]
    if key in lesson.quizzes:
        raise LabsError(f'{key} is a question: quiz("{key}", "A").')
    if key in lesson.exercises:
        raise LabsError(f'{key} is an exercise: check("{key}", ...).')
    raise LabsError(f"{key} is a lesson. Its guesses are: {', '.join(lesson.guesses) or 'none'}.")


def _how(asked: Guess) -> str:
    if asked.is_sentence:
        return f'How sure are you that it is true? 0.5 is a coin: `guess("{asked.key}", 0.5)`'
    return f'Which interval holds it in 8 of 10 such cases? `guess("{asked.key}", low=..., high=...)`'


def _in_unit(asked: Guess) -> str:
    return f" ({asked.unit})" if asked.unit else ""


def _probability(asked: Guess, given: Any, low: Any, high: Any) -> float:
    if low is not ... or high is not ...:
        raise LabsError(f"{asked.key} is a sentence: it wants one probability, no interval. {_how(asked)}")
    value = _number(given, "A probability", "0.7")
    if 1 < value <= 100:
        raise LabsError(f"{value:g} is no probability, it lies between 0 and 1: did you mean {value / 100:g}?")
    if not 0 <= value <= 1:
        raise LabsError(f"{value:g} is no probability: it lies between 0 (surely not) and 1 (surely).")
    return value


def _interval(asked: Guess, given: Any, low: Any, high: Any) -> list[float]:
    if given is not ...:
        raise LabsError(f"{asked.key} is a number: it wants an interval, low and high. {_how(asked)}")
    if low is ... or high is ...:
        raise LabsError(f"An interval has two ends, and {'low' if low is ... else 'high'} is missing. {_how(asked)}")
    ends = [_number(low, "The lower end", "2"), _number(high, "The upper end", "9")]
    if ends[0] > ends[1]:
        raise LabsError(f"The lower end, {ends[0]:g}, is above the upper one, {ends[1]:g}: swap them.")
    return ends


def _number(given: Any, what: str, example: str) -> float:
    value = given.item() if isinstance(given, np.generic | np.ndarray) and given.size == 1 else given
    if isinstance(value, bool):
        raise LabsError(
            f"{what} is a number such as {example}; it was {value}, which says neither how sure nor how much."
        )
    if isinstance(value, str):
        raise LabsError(
            f"{what} is a number without quotes or signs, such as {example}; it was the text {value!r:.30}."
        )
    if not isinstance(value, numbers.Real) and not hasattr(value, "as_tuple"):
        raise LabsError(f"{what} is a number such as {example}; it was of the type {type(value).__name__}.")
    found = float(value)
    if not math.isfinite(found):
        raise LabsError(f"{what} is a number such as {example}; it was {found:g}.")
    return found


def _truth(asked: Guess, truth: Any) -> bool | float:
    value = truth.item() if isinstance(truth, np.generic | np.ndarray) and truth.size == 1 else truth
    if asked.is_sentence and isinstance(value, bool):
        return value
    if (
        not asked.is_sentence
        and isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
    ):
        return float(value)
    wanted = "True or False" if asked.is_sentence else "a finite number"
    raise LabsError(f"reveal({asked.key!r}, ...) wants {wanted}; it was {value!r:.40}.")


def _kept(asked: Guess, value: Any, known: progress.Entry) -> list[tuple[str, str]]:
    if "guess" not in known:
        return [("", f"The truth was shown already, so this guess is not counted. {_UNSEEN}")]
    if known["guess"] != value:
        return [("", f"Your first guess stays: {_said(asked, known['guess'])}. What comes after it is not counted.")]
    sure = asked.is_sentence and value in (0, 1)
    more = f" It is scored as {percent(1 - SURE if value else SURE)}: nobody is quite sure." if sure else ""
    return [("", f"Noted: {_said(asked, value)}.{more}")]


def _shown_before(key: str) -> list[tuple[str, str]]:
    """Tell who has not guessed, in a run before this one, that a guess is still possible."""
    try:
        known = progress.read().get(key, {})
    except (OSError, ValueError):
        # The guess itself will say what is wrong with the file.
        return []
    shown = "truth" in known and "guess" not in known
    return [("", f"An earlier run showed the truth. {_UNSEEN}")] if shown else []


def _said(asked: Guess, value: Any) -> str:
    if asked.is_sentence:
        return f"{percent(value)} that it is true"
    return f"{_plain(value[0])} to {quantity_as_given(value[1], asked.unit)}"


def quantity_as_given(value: float, unit: str | None) -> str:
    """Return a number as somebody gave it, with a unit."""
    return f"{_plain(value)} {unit}" if unit else _plain(value)


def _plain(value: float) -> str:
    return f"{value:,.10g}"


def _scored(asked: Guess, known: progress.Entry) -> list[tuple[str, str]]:
    said, truth = known["guess"], known["truth"]
    if asked.is_sentence:
        bits = surprise(said, bool(truth))
        return [("You said", f"{_said(asked, said)}. Your surprise: {bits:.2f} bits; who throws a coin has 1.")]
    hit = "it holds the truth" if said[0] <= truth <= said[1] else "the truth lies outside"
    width = quantity(said[1] - said[0], asked.unit)
    return [("You said", f"{_said(asked, said)}: {hit}. Your interval is {width} wide; 8 of 10 should hold the truth.")]


def _note(note: str | None) -> list[tuple[str, str]]:
    return [("Note", note)] if note else []
