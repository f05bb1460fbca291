"""The two halves of a ring on paper."""

import pytest

from labsupport.dl.rounds import beginning, first_half, play, second_half, step_of


@pytest.mark.parametrize("workers", range(1, 9))
def test_after_the_first_half_each_has_one_whole_block_and_after_the_second_all(workers):
    whole = frozenset(range(workers))
    half = play(beginning(workers), first_half, add=True)
    assert [blocks.count(whole) for blocks in half] == [1] * workers
    assert all(block == whole for blocks in play(half, second_half, add=False) for block in blocks)


def test_who_takes_another_block_than_was_given_is_told():
    with pytest.raises(ValueError, match="worker 0 takes block 0, its left neighbour gives block 1"):
        step_of(beginning(2), lambda step, rank, workers: (rank, rank), 0, add=True)
