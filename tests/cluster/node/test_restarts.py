"""Who is started again, and after which pause."""

import pytest

from labsupport.cluster.pocket.node.restarts import STEADY, BackOff, is_due


@pytest.mark.parametrize(
    ("policy", "code", "due"),
    [("Always", 0, True), ("Always", 1, True), ("OnFailure", 0, False), ("OnFailure", 1, True), ("Never", 1, False)],
)
def test_policy_decides_who_comes_back(policy: str, code: int, due: bool) -> None:
    assert is_due(policy, code) is due


def test_pauses_double_up_to_a_minute() -> None:
    back_off = BackOff()
    assert [back_off.after(0.1) for _ in range(9)] == [0, 1, 2, 4, 8, 16, 32, 60, 60]


def test_long_run_is_a_fresh_start() -> None:
    back_off = BackOff()
    for _ in range(5):
        back_off.after(0.1)
    assert back_off.after(STEADY + 1) == 0
