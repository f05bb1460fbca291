"""Planning with known chances: a chain by hand, the optimum that no other policy exceeds, and bounds of the discount."""

import numpy as np
import pytest

from labsupport.rl.planning import value_iteration, worth
from labsupport.rl.sick_service import SickService


def chain() -> tuple[np.ndarray, np.ndarray]:
    """Two states: action 0 stays for 1; action 1 moves on for 0, and from the second state ends for 10."""
    P, R = np.zeros((2, 2, 2)), np.array([[1.0, 0.0], [1.0, 10.0]])
    P[0, 0, 0] = P[0, 1, 1] = P[1, 0, 1] = 1
    return P, R


def test_a_chain_by_hand() -> None:
    P, R = chain()
    found = value_iteration(P, R, 0.5)
    assert found == pytest.approx(np.array([[3.5, 5.0], [6.0, 10.0]]))
    assert worth(P, R, 0.5, [1, 1]) == pytest.approx([5, 10])
    assert worth(P, R, 0.5, [0, 0]) == pytest.approx([2, 2])
    assert worth(P, R, 0.5, np.full((2, 2), 0.5)) == pytest.approx([(0.5 + 0.25 * 5.5 / 0.75) / 0.75, 5.5 / 0.75])


def test_no_other_policy_is_worth_more_in_any_state() -> None:
    P, R = SickService().model()
    Q = value_iteration(P, R, 0.97)
    best = worth(P, R, 0.97, Q.argmax(axis=1))
    assert best == pytest.approx(Q.max(axis=1), abs=1e-6)
    rng = np.random.default_rng(0)
    for _ in range(30):
        changed = np.where(rng.random(48) < 0.2, rng.integers(3, size=48), Q.argmax(axis=1))
        assert (worth(P, R, 0.97, changed) <= best + 1e-9).all()


@pytest.mark.parametrize("discount", [1.0, -0.1])
def test_a_discount_that_may_not_end_is_refused(discount: float) -> None:
    with pytest.raises(ValueError, match="0 to below 1"):
        value_iteration(*chain(), discount)
