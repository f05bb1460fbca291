"""Confident learning finds labels that were turned, by its own counts and by a hand-made example."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from labsupport.data.damage import wrong_labels
from labsupport.data.dose_response import models
from labsupport.data.label_errors import find_label_errors, precision_recall, unseen_probability
from labsupport.ml.deploy_risk import features
from labsupport.world import deploy_records


def test_a_hand_made_example_by_its_definition() -> None:
    labels = ["a", "a", "a", "b", "b", "b"]
    sure = np.array([0.9, 0.8, 0.1, 0.2, 0.3, 0.4])
    found = find_label_errors(labels, np.column_stack([sure, 1 - sure]))
    # a counts from the mean 0.6 of its own rows on, b from 0.7: the third row is confidently b.
    assert found.thresholds == pytest.approx([0.6, 0.7])
    assert found.suspects.tolist() == [2]
    assert found.suggested.tolist() == ["a", "a", "b", "b", "b", "b"]
    # The last b is confident of nothing, so it is not counted.
    assert found.joint.tolist() == [[2, 1], [0, 2]]
    assert found.share == pytest.approx(1 / 5)


def test_a_hard_class_needs_less_confidence_than_an_easy_one() -> None:
    labels = np.repeat(["easy", "hard"], 50)
    said = np.where(labels == "easy", 0.99, 0.45)
    said[0] = 0.42  # labelled easy, and the model leans to hard by less than it leans for a usual hard row
    found = find_label_errors(labels, np.column_stack([said, 1 - said]))
    assert 0 in found.suspects


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("share", [0.1, 0.3])
def test_on_digits_nine_of_ten_suspects_are_wrong_and_most_wrong_ones_are_suspects(share: float, seed: int) -> None:
    images, digits = load_digits(return_X_y=True)
    given = wrong_labels(digits, share, seed)
    found = find_label_errors(given, unseen_probability(KNeighborsClassifier(10), images, given, seed=seed))
    precision, recall = precision_recall(found.suspects, given != digits)
    assert precision > 0.9
    assert recall > 0.65
    assert found.share == pytest.approx(share, abs=0.03)
    assert (found.suggested[found.suspects] == digits[found.suspects]).mean() > 0.9


def test_clean_labels_have_few_suspects() -> None:
    images, digits = load_digits(return_X_y=True)
    found = find_label_errors(digits, unseen_probability(KNeighborsClassifier(10), images, digits))
    assert len(found.suspects) < 0.02 * len(digits)


def test_a_model_that_has_seen_the_labels_finds_nothing() -> None:
    images, digits = load_digits(return_X_y=True)
    given = wrong_labels(digits, 0.1, 0)
    by_heart = KNeighborsClassifier(1).fit(images, given).predict_proba(images)
    assert len(find_label_errors(given, by_heart).suspects) == 0


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (np.full((3, 2), 0.5), r"need probabilities of shape \(4, 2\); got \(3, 2\)"),
        (np.full((4, 2), 0.4), "whose sum is 1"),
        (np.array([[np.nan, 1.0]] * 4), "whose sum is 1"),
        (np.array([[-0.5, 1.5]] * 4), "whose sum is 1"),
    ],
)
def test_probabilities_that_are_none_are_refused(said: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        find_label_errors([0, 1, 0, 1], said)


def test_precision_and_recall_of_nothing_are_zero() -> None:
    assert precision_recall([], [True, False]) == (0.0, 0.0)
    assert precision_recall([1], [False, False]) == (0.0, 0.0)
    assert precision_recall([0, 1], [True, False]) == (0.5, 1.0)


@pytest.mark.parametrize("seed", range(3))
def test_failures_that_one_team_never_records_are_found_in_part_and_only_where_the_team_is_not_a_column(
    seed: int,
) -> None:
    """What lesson 501's last question says of team Blue."""
    records, _ = deploy_records(8_000, seed=seed)
    blue = np.random.default_rng(seed).random(8_000) < 1 / 6
    failed = records["failed"].to_numpy()
    recorded = (failed & ~blue).astype(int)
    named = []
    for columns in (features(records), features(records).assign(blue=blue.astype(float))):
        said = unseen_probability(models()["logistic"], columns, recorded, seed=seed)
        suspects = np.isin(np.arange(8_000), find_label_errors(recorded, said).suspects) & blue
        named.append((int(suspects.sum()), int((suspects & failed).sum())))
    (alike, found), told_apart = named
    assert told_apart == (0, 0)
    assert 0.25 < found / (failed & blue).sum() < 0.45 and 2.5 < (alike - found) / found < 4
