"""Conditions of tasks."""

import pytest

from labsupport.workflows.values import holds


@pytest.mark.parametrize(
    ("condition", "truth"),
    [
        ("better == better", True),
        ('better == "better"', True),
        ("'better' == better", True),
        ('worse == "better"', False),
        ('worse != "better"', True),
        ('"better == better', False),
    ],
)
def test_a_side_may_stand_in_quotes(condition: str, truth: bool) -> None:
    """A learner who quotes the word would else see a good model skipped."""
    assert holds(condition) is truth
