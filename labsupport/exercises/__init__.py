"""The exercises of a lesson: `check`, `hint`, `solution`, `use`, `quiz`, `claim` and `suppose`."""

from labsupport.exercises.engine import ClaimError, check, claim, hint, quiz, solution, suppose, use
from labsupport.exercises.refute import Measured, OutsideRules

__all__ = [
    "ClaimError",
    "Measured",
    "OutsideRules",
    "check",
    "claim",
    "hint",
    "quiz",
    "solution",
    "suppose",
    "use",
]
