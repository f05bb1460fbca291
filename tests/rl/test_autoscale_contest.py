"""Days are billed fairly, the checkpoint is chosen on tuning days, and the committed contest says what the lesson says."""

from dataclasses import replace

import numpy as np
import pytest

from labsupport.rl import hpa
from labsupport.rl.autoscale import PRICES
from labsupport.rl.autoscale_contest import SETTINGS, Played, Stopped, best, cheaper, play, results, train
from labsupport.rl.days import TRAINING, TUNING, draw_days
from labsupport.rl.observation import STEP_S


def test_a_fixed_number_is_billed_by_the_price_list() -> None:
    days = draw_days(3, TUNING)
    played = play(hpa.Fixed(15), days)
    assert (played.replicas[:, 10:] == 15).all()
    assert played.euros == pytest.approx(PRICES.bill(played.replicas, played.late).sum(axis=1))
    assert played.late_share == pytest.approx(played.late.sum() / (days.sum() * STEP_S))


def test_each_day_is_played_as_if_it_were_alone() -> None:
    days = draw_days(3, TUNING)
    together, alone = play(hpa.HPA(), days).euros, [play(hpa.HPA(), days[[at]]).euros[0] for at in range(3)]
    assert together.tolist() == alone


def test_an_incident_is_counted_once_however_long_it_lasts() -> None:
    late = np.zeros((2, 8))
    late[0, 2:5], late[0, 7], late[1, 3] = 100, 100, 10
    requests = np.full((2, 8), 10.0)
    assert Played(requests, requests, requests, late).incidents == 1


def test_cheaper_is_positive_for_the_lower_bill_and_pairs_days() -> None:
    rng = np.random.default_rng(0)
    level = rng.normal(0, 50, 200)
    gain, low, high = cheaper(level + rng.normal(20, 1, 200), level + rng.normal(22, 1, 200))
    assert 1.5 < low < gain < high < 2.5


def test_the_cheapest_of_the_tries_comes_first() -> None:
    found = best([hpa.Fixed(20), hpa.Fixed(12), hpa.Fixed(4)], draw_days(4, TUNING))
    assert found[0][1] == hpa.Fixed(12)
    assert [bill for bill, _ in found] == sorted(bill for bill, _ in found)


def test_a_training_keeps_the_checkpoint_with_the_lowest_bill() -> None:
    days, tuning = draw_days(10, TRAINING), draw_days(2, TUNING)
    short = replace(SETTINGS, budget=16_384)
    trained = train(days, tuning, 0, short, looks=4)
    assert trained.looks.steps.tolist() == [4096, 8192, 12_288, 16_384]
    assert play(trained.policy, tuning).euros.mean() == pytest.approx(trained.looks.euros.min())
    last = train(days, tuning, 0, short, looks=4, last=True)
    assert last.policy.about == {"seed": 0, "steps": 16_384}
    assert last.looks.equals(trained.looks)


def test_what_is_trained_without_a_clock_does_not_mind_the_time() -> None:
    days, tuning = draw_days(10, TRAINING), draw_days(2, TUNING)
    short = replace(SETTINGS, budget=16_384)
    trained = train(days, tuning, 0, short, looks=4, clock=False)
    blind = Stopped(trained.policy)
    assert play(blind, tuning).euros.mean() == pytest.approx(trained.looks.euros.min())
    assert np.array_equal(play(blind, tuning[:, :300]).replicas, play(blind, tuning[:, :300], start=1234).replicas)
    assert not trained.looks.equals(train(days, tuning, 0, short, looks=4).looks)


def test_stopped_stops_the_clock_and_nothing_else() -> None:
    days, noon = draw_days(2, TUNING), 45_000.0
    usual = np.full(2880, 10.0)
    usual[int(noon / STEP_S)] = 120.0
    table = hpa.Timetable(hpa.Profile(usual), target=0.7, lead_s=0.0)
    assert set(np.unique(play(Stopped(table), days).replicas[:, 10:])) == {13}
    assert np.array_equal(play(Stopped(hpa.HPA()), days).replicas, play(hpa.HPA(), days).replicas)


def test_the_committed_contest_gave_each_side_as_many_looks() -> None:
    found = results()
    assert found["tries"] == 12 * (len(found["searched"]["PPO"]) + 5)
    with_clock, without = found["searched"]["PPO"], found["without a clock"]["searched"]
    settings = [{(row["rate"], row["discount"]) for row in rows} for rows in (with_clock, without)]
    assert settings[0] == settings[1]
    assert {key: without[0][key] for key in ("rate", "discount")} == found["without a clock"]["chosen"]
    assert without[0]["euros"] == min(one["euros"] for one in without)
    for looks in (found["looks"], found["without a clock"]["looks"]):
        assert [(name, len(bills)) for name, bills in looks.items()] == [(f"seed {seed}", 12) for seed in range(5)]
    for name, tries in found["searched"].items():
        assert {key: tries[0][key] for key in found["chosen"][name]} == found["chosen"][name]
        assert tries[0]["euros"] == min(one["euros"] for one in tries)


def test_a_day_may_begin_later_and_the_clock_knows_it() -> None:
    days = draw_days(2, TUNING)
    usual = np.full(2880, 10.0)
    usual[1000:1100] = 120.0
    table = hpa.Timetable(hpa.Profile(usual), target=0.7, lead_s=0.0)
    whole, part = play(table, days), play(table, days[:, 950:1150], start=950)
    assert np.array_equal(part.replicas[:, 10:], whole.replicas[:, 960:1150])
    assert set(np.unique(part.replicas[:, 10:])) == {2, 13}
