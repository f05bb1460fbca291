"""What a check can find: four outcomes, and the ways a checker says them."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """PASS; NOT YET (nothing attempted); FAIL (a wrong answer, with a diagnosis); ERROR (the learner's code raised)."""

    PASS = "PASS"
    NOT_YET = "NOT YET"
    FAIL = "FAIL"
    ERROR = "ERROR"


@dataclass(frozen=True)
class Outcome:
    """The result of one check. Texts are Markdown; `code` is a traceback or a program, shown as it stands."""

    kind: Kind
    key: str
    text: str
    saw: str = ""
    expected: str = ""
    cause: str = ""
    code: str = ""
    question: str = ""
    final: bool = False


class Fail(Exception):
    """Raised by a checker: what it saw, what it expected, and the most likely cause.

    A checker that knows no cause blames nothing: it leaves `cause` empty and asks a `question`.
    """

    final = False

    def __init__(self, saw: str, expected: str, cause: str = "", *, question: str = "") -> None:
        super().__init__(f"{saw} (expected: {expected}; {f'likely cause: {cause}' if cause else question})")
        self.saw, self.expected, self.cause, self.question = saw, expected, cause, question


class FinalFail(Fail):
    """A Fail that no waiting changes: it stands in a spec, or a Job has ended. A check of the cluster does not look again."""

    final = True


class NotAttempted(Exception):
    """The learner's answer is still the stub."""


class LearnerError(Exception):
    """The learner's own code raised: `summary` is one line, `where` the learner's own part of the traceback."""

    def __init__(self, summary: str, where: str) -> None:
        super().__init__(summary)
        self.summary, self.where = summary, where


class TimeUp(BaseException):
    """The time limit of a check passed. A BaseException, so that `except Exception` in an endless loop can't hold it."""
