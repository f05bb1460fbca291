"""Trainings of small networks run on one thread."""

import numpy as np
from threadpoolctl import threadpool_info

from labsupport.rl import autoscale_contest, contest, writing_contest
from labsupport.rl.threads import one_thread


def threads() -> set[int]:
    np.ones((2, 2)) @ np.ones((2, 2))
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_products_run_on_one_thread_inside_and_as_before_afterwards() -> None:
    before = threads()
    assert one_thread(threads)() == {1}
    assert threads() == before


def test_all_trainings_of_the_contests_are_on_one_thread() -> None:
    trainings = (
        contest.run_ppo, contest.run_reinforce, autoscale_contest.play, autoscale_contest.train,
        writing_contest.run_grpo, writing_contest.run_ppo, writing_contest.run_reinforce,
    )  # fmt: skip
    assert all(hasattr(one, "__wrapped__") for one in trainings)
