"""How a lesson declares its exercises, its quiz and its guesses (see labsupport/lessons/lesson_101.py for one to copy)."""

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from labsupport.errors import LabsError
from labsupport.exercises.refute import Condition, Refutable, checker_of

Checker = Callable[[Any], str]


class Look(Protocol):
    """How a checker sees what the learner did outside of the notebook, such as `labsupport.cluster.look`."""

    def now(self, key: str) -> Any:
        """Look; raises LabsError with what to do first when there is nothing to look at."""

    def recorded(self, name: str) -> Any:
        """Return what was recorded under a name, for tests."""


@dataclass(frozen=True)
class Exercise:
    """One exercise. `checker` takes the learner's answer (a function comes as `Guarded`) and returns what to say on PASS.

    With `look` it takes what `look.now(key)` returns instead, whatever the answer's cell holds. With `may_change` the
    answer may change the arguments that it is called with. `refutable` is the sentence that a case should break.
    """

    key: str
    title: str
    checker: Checker
    hints: tuple[str, ...]
    minutes: int
    seconds: float
    look: Look | None = None
    may_change: bool = False
    refutable: Refutable | None = None


@dataclass(frozen=True)
class Option:
    """One option of a quiz: its text, whether it is right, and why."""

    text: str
    right: bool
    reason: str


@dataclass(frozen=True)
class Quiz:
    """One question with one right option; options are named A, B, C, ..."""

    key: str
    question: str
    options: Mapping[str, Option]

    @property
    def right(self) -> str:
        """The letter of the right option."""
        return next(letter for letter, option in self.options.items() if option.right)


@dataclass(frozen=True)
class Guess:
    """What a learner guesses before it is shown: whether a sentence is true or, with a unit, how large a number is."""

    key: str
    text: str
    unit: str | None = None

    @property
    def is_sentence(self) -> bool:
        """Whether the guess is a probability; else it is an interval."""
        return self.unit is None


class Exercises:
    """All exercises, quiz questions and guesses of one lesson, by key."""

    def __init__(self, lesson: str) -> None:
        self.lesson = lesson
        self.exercises: dict[str, Exercise] = {}
        self.quizzes: dict[str, Quiz] = {}
        self.guesses: dict[str, Guess] = {}

    def check(
        self,
        name: str,
        title: str,
        *,
        hints: tuple[str, ...],
        minutes: int = 5,
        seconds: float = 5.0,
        look: Look | None = None,
        may_change: bool = False,
    ) -> Callable[[Checker], Checker]:
        """Declare the decorated function as the checker of exercise `name`, with its hints and its time limit in seconds.

        An answer that changes the arguments it is called with does not pass, unless it `may_change` them.
        """

        def declare(checker: Checker) -> Checker:
            key = f"{self.lesson}.{name}"
            self.exercises[key] = Exercise(key, title, checker, hints, minutes, seconds, look, may_change)
            return checker

        return declare

    def refute(
        self,
        name: str,
        sentence: str,
        *,
        case: str,
        hints: tuple[str, ...],
        minutes: int = 5,
        seconds: float = 10.0,
    ) -> Callable[[Condition], Condition]:
        """Declare a sentence that exercise `name` wants refuted; the decorated function is its condition.

        `case` says what a case is and which are allowed, such as "a seed from 0 to 999". The condition takes one and returns
        what it `Measured`; it raises `OutsideRules` for one that is not allowed.
        """

        def declare(condition: Condition) -> Condition:
            key = f"{self.lesson}.{name}"
            claim = Refutable(sentence.rstrip("."), case, condition)
            self.exercises[key] = Exercise(
                key, f"Refute it: {claim.sentence}", checker_of(claim), hints, minutes, seconds, refutable=claim
            )
            return condition

        return declare

    def quiz(self, name: str, question: str, *options: tuple[str, bool, str]) -> None:
        """Declare a question: each option is (text, whether right, reason); exactly one is right."""
        key = f"{self.lesson}.{name}"
        if sum(right for _, right, _ in options) != 1:
            raise ValueError(f"quiz {key} needs exactly one right option")
        self.quizzes[key] = Quiz(key, question, {chr(65 + i): Option(*option) for i, option in enumerate(options)})

    def guess(self, name: str, text: str, *, unit: str | None = None) -> None:
        """Declare a guess: a sentence that is true or not or, with a `unit` (it may be empty), a number by its name."""
        if not re.fullmatch(r"g\d+", name):
            raise ValueError(f"a guess is named g1, g2, ...; this one {name!r}")
        key = f"{self.lesson}.{name}"
        self.guesses[key] = Guess(key, text.rstrip("."), unit)

    @property
    def keys(self) -> list[str]:
        """Every key that has an answer: exercises, then quiz questions."""
        return [*self.exercises, *self.quizzes]


def exercises_of(key: str) -> Exercises:
    """Return the exercises of the lesson that a key (`203.2`) or a number (`203`) names.

    Raises LabsError when there is no such lesson or key.
    """
    if not isinstance(key, str):
        raise LabsError(f'The first argument is a key in quotes, such as check("203.2", answer); it was {key!r:.40}.')
    number = key[:3]
    if not re.fullmatch(r"\d{3}", number):
        raise LabsError(f"There is no lesson {number!r}: keys look like 203.2 or, for a quiz, 203.a.")
    module = f"labsupport.lessons.lesson_{number}"
    try:
        lesson: Exercises = importlib.import_module(module).exercises
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise LabsError(f"There is no lesson {number!r}: keys look like 203.2 or, for a quiz, 203.a.") from None
    if key == number or key in lesson.guesses:
        return lesson
    if key not in lesson.keys:
        raise LabsError(
            f"Lesson {number} has no exercise {key!r}. It has: {', '.join([*lesson.keys, *lesson.guesses])}."
        )
    return lesson
