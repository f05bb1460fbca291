"""Who gets which variant: computed from the user's name, so that nobody has to remember it and everybody computes the same."""

import hashlib

_UNITS = 2**64


def place(user: str, experiment: str) -> float:
    """Return where a user stands in an experiment, from 0 up to 1 (not reached): always the same, and like a draw."""
    digest = hashlib.sha256(f"{experiment}\0{user}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / _UNITS


def variant(user: str, experiment: str, share: float) -> str:
    """Return "b" for that share (0 to 1) of all users and "a" for the others.

    Who is in b stays in b when the share grows. The experiment's name is part of the hash, so that two experiments do
    not give the same users the new thing. Raises ValueError for a share outside of 0 to 1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"a share lies between 0 and 1; got {share}")
    return "b" if place(user, experiment) < share else "a"
