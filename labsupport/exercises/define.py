"""How a lesson declares its exercises and its quiz (see labsupport/lessons/lesson_101.py for one to copy)."""

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from labsupport.errors import LabsError

Checker = Callable[[Any], str]


@dataclass(frozen=True)
class Exercise:
    """One exercise. `checker` takes the learner's answer (a function comes as `Guarded`) and returns what to say on PASS.

    With `on_cluster` it takes a `Snapshot` of the lab's namespace instead, and the answer is what the learner did there.
    """

    key: str
    title: str
    checker: Checker
    hints: tuple[str, ...]
    minutes: int
    seconds: float
    on_cluster: bool = False


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


class Exercises:
    """All exercises and quiz questions of one lesson, by key."""

    def __init__(self, lesson: str) -> None:
        self.lesson = lesson
        self.exercises: dict[str, Exercise] = {}
        self.quizzes: dict[str, Quiz] = {}

    def check(
        self,
        name: str,
        title: str,
        *,
        hints: tuple[str, ...],
        minutes: int = 5,
        seconds: float = 5.0,
        on_cluster: bool = False,
    ) -> Callable[[Checker], Checker]:
        """Declare the decorated function as the checker of exercise `name`, with its hints and its time limit in seconds."""

        def declare(checker: Checker) -> Checker:
            key = f"{self.lesson}.{name}"
            self.exercises[key] = Exercise(key, title, checker, hints, minutes, seconds, on_cluster)
            return checker

        return declare

    def quiz(self, name: str, question: str, *options: tuple[str, bool, str]) -> None:
        """Declare a question: each option is (text, whether right, reason); exactly one is right."""
        key = f"{self.lesson}.{name}"
        if sum(right for _, right, _ in options) != 1:
            raise ValueError(f"quiz {key} needs exactly one right option")
        self.quizzes[key] = Quiz(key, question, {chr(65 + i): Option(*option) for i, option in enumerate(options)})

    @property
    def keys(self) -> list[str]:
        """Every key of the lesson: exercises, then quiz questions."""
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
    if key == number:
        return lesson
    if key not in lesson.keys:
        raise LabsError(f"Lesson {number} has no exercise {key!r}. It has: {', '.join(lesson.keys)}.")
    return lesson
