"""What the sources of the programs have in common: how they tell their progress and why they have nothing."""

from collections.abc import Callable

# Called with what is being done, how much of it is done, and how much there is (0: nobody knows).
Progress = Callable[[str, int, int], None]


class Refused(Exception):
    """A source that can't give the programs; the text says why, without a full stop."""
