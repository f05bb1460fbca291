"""Plans and their worth; a reward out of comparisons; a policy that follows it, free and on a leash; and who ships what."""

import numpy as np

from labsupport.rl import preferences, rlhf
from labsupport.rl.remediation import (
    ACTIONS,
    INCIDENTS,
    LENGTH,
    World,
    counts,
    features,
    features_with_repeats,
    in_words,
)
from labsupport.rl.shipping import LEASHES, Readers, offers


def test_an_action_helps_once_and_each_repetition_costs() -> None:
    world = World(np.tile(np.arange(12.0), (4, 1)), repeated=0.5)
    plans = np.array([[1, 2, 3, 4], [5, 5, 5, 5], [1, 1, 2, 2]])
    assert world.worth(np.array([0, 1, 3]), plans).tolist() == [10, 5 - 1.5, 3 - 1]


def test_a_reward_model_counts_actions_in_the_columns_of_their_incident() -> None:
    seen = features(np.array([1]), np.array([[2, 2, 0, 11]])).reshape(len(INCIDENTS), len(ACTIONS))
    assert seen[1, [2, 0, 11]].tolist() == [2, 1, 1]
    assert seen.sum() == LENGTH
    assert features_with_repeats(np.array([1]), np.array([[2, 2, 2, 11]]))[0, -1] == 2
    assert counts(np.array([[0, 0, 0, 0]])).sum() == LENGTH


def test_people_repeat_nothing_and_prefer_what_helps() -> None:
    world = World.of(0)
    incidents, plans = world.past_plans(2000, np.random.default_rng(0))
    assert all(len(set(plan)) == LENGTH for plan in plans.tolist())
    by_chance = np.random.default_rng(0).permuted(np.tile(np.arange(12), (2000, 1)), axis=1)[:, :LENGTH]
    assert world.worth(incidents, plans).mean() > world.worth(incidents, by_chance).mean() + 0.5
    assert in_words([0, 11]) == "roll back, close the ticket"


def test_raters_prefer_the_better_plan_the_more_often_the_better_it_is() -> None:
    case = rlhf.prepare(0, pairs=4000)
    told = case.comparisons
    ahead = case.world.worth(told.incidents, told.first) - case.world.worth(told.incidents, told.second)
    assert told.won[ahead > 2].mean() > 0.85 > told.won[(ahead > 0) & (ahead < 0.5)].mean() > 0.5


def test_the_reward_agrees_with_raters_about_fresh_plans_of_the_reference() -> None:
    case = rlhf.prepare(1)
    fresh = rlhf.compare(case.world, case.reference, 2000, np.random.default_rng(9))
    assert preferences.agreement(fresh.differences(), fresh.won, case.reward) > 0.6


def test_without_a_leash_the_proxy_rises_and_the_truth_falls_and_a_leash_keeps_it_near() -> None:
    case = rlhf.prepare(2)
    free, held = (list(rlhf.follow(case, 2, rlhf.Settings(leash=leash))) for leash in (0.0, 0.5))
    assert abs(free[0].kl) < 1e-3
    assert free[-1].proxy > free[0].proxy + 1
    assert free[-1].truth < free[0].truth - 1
    assert held[-1].truth > held[0].truth + 0.3
    assert held[-1].kl < free[-1].kl / 4


def test_following_changes_no_case_and_a_seed_repeats_it() -> None:
    case, few = rlhf.prepare(3), rlhf.Settings(updates=5)
    before = case.reference.copy()
    one, other = ([look.proxy for look in rlhf.follow(case, 3, few)] for _ in range(2))
    assert one == other
    assert np.array_equal(case.reference, before)


def test_readers_count_and_their_mean_is_the_truth_up_to_chance() -> None:
    here = offers(500)
    readers = Readers(here, 0)
    assert abs(readers(3, 5000) - here.truth[3]) < 0.15
    readers(0, 7)
    assert readers.read == 5007
    assert here.gauges.shape == (len(LEASHES), 2)
