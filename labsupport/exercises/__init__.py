"""The exercises of a lesson: `check`, `hint`, `solution`, `use`, `quiz`, `claim`, `suppose`, `guess` and `reveal`."""

from labsupport.exercises.calibration import show_calibration
from labsupport.exercises.engine import ClaimError, check, claim, hint, quiz, solution, suppose, use
from labsupport.exercises.guesses import guess, reveal
from labsupport.exercises.refute import Measured, OutsideRules

__all__ = [
    "ClaimError",
    "Measured",
    "OutsideRules",
    "check",
    "claim",
    "guess",
    "hint",
    "quiz",
    "reveal",
    "show_calibration",
    "solution",
    "suppose",
    "use",
]
