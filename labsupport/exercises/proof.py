"""Prove a checker: what it says to the reference, to the stub, to a wrong answer and to another right one."""

from labsupport.exercises import answers
from labsupport.exercises.define import exercises_of
from labsupport.exercises.engine import evaluate
from labsupport.exercises.outcomes import Kind, Outcome


def outcome_of_code(key: str, code: str) -> Outcome:
    """Run a learner's cell after the lesson's setup and return what the checker says to it."""
    return evaluate(key, answers.value(key, code))


def outcome_of(key: str, given: str) -> Outcome:
    """Return what the checker says to a learner's cell or, where it looks elsewhere, to what was recorded under that name."""
    look = exercises_of(key).exercises[key].look
    return outcome_of_code(key, given) if look is None else evaluate(key, seen=look.recorded(given))


def is_on_cluster(key: str) -> bool:
    """Tell whether an exercise looks at something outside of the notebook: the cluster."""
    return exercises_of(key).exercises[key].look is not None


def outcome_of_reference(key: str, seed: int = 0) -> Outcome:
    """Return what the checker says to the reference answer."""
    return evaluate(key, answers.reference(key, seed))


def outcome_of_stub(key: str) -> Outcome:
    """Return what the checker says to the untouched stub."""
    return outcome_of_code(key, answers.entry(key)["stub"])


def diagnosis(outcome: Outcome) -> str:
    """Return all that a learner is told, in one text."""
    return " ".join((outcome.text, outcome.saw, outcome.expected, outcome.cause, outcome.question, outcome.code))


__all__ = [
    "Kind",
    "diagnosis",
    "is_on_cluster",
    "outcome_of",
    "outcome_of_code",
    "outcome_of_reference",
    "outcome_of_stub",
]
