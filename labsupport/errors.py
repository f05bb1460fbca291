"""The one exception that commands turn into a sentence and a non-zero exit."""


class LabsError(Exception):
    """Something the user can mend: its text names the thing, what was expected, and what to do next."""
