"""Users are assigned by a hash: in shares, for good, and independently between experiments."""

import subprocess
import sys

import numpy as np
import pytest

from labsupport.rollout.assignment import place, variant

USERS = [f"user-{number}" for number in range(20_000)]


@pytest.mark.parametrize("share", [0.01, 0.3, 0.99])
def test_b_has_its_share(share) -> None:
    many = sum(variant(user, "x", share) == "b" for user in USERS)
    assert abs(many - share * len(USERS)) < 4 * (len(USERS) * share * (1 - share)) ** 0.5


@pytest.mark.parametrize(("share", "word"), [(0, "a"), (1, "b")])
def test_nobody_and_everybody_are_shares_too(share, word) -> None:
    assert {variant(user, "x", share) for user in USERS[:500]} == {word}


def test_places_are_even() -> None:
    counts = np.histogram([place(user, "x") for user in USERS], bins=20, range=(0, 1))[0]
    assert abs(counts - 1_000).max() < 4.5 * 1_000**0.5


def test_experiments_are_independent() -> None:
    places = np.array([[place(user, name) for user in USERS] for name in ("test-1", "test-2")])
    assert abs(np.corrcoef(places)[0, 1]) < 4 / len(USERS) ** 0.5


def test_a_name_can_not_leak_into_the_other() -> None:
    assert place("b", "xa") != place("ab", "x")


def test_another_process_says_the_same() -> None:
    code = "from labsupport.rollout.assignment import place; print(repr(place('user-17', 'x')))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert float(said.stdout) == place("user-17", "x")


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_what_is_no_share_is_refused(share) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        variant("user", "x", share)
