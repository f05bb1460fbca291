"""The exercises of a lesson: `check`, `hint`, `solution`, `use`, `quiz` and `claim`."""

from labsupport.exercises.engine import ClaimError, check, claim, hint, quiz, solution, use

__all__ = ["ClaimError", "check", "claim", "hint", "quiz", "solution", "use"]
