"""A decision tree asks what scikit-learn's tree asks, keeps its limits, and can be read."""

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.tree import DecisionTreeClassifier

from labsupport.ml.tree import DecisionTree, Node, best_split, gini
from labsupport.ml.tree_view import as_text, draw

LIMITS = [
    {"max_depth": 1},
    {"max_depth": 3},
    {"max_depth": 4, "min_samples_leaf": 20},
    {"max_depth": 6, "min_samples_leaf": 60},
    {"min_samples_leaf": 100},
]


def examples(seed: int, rows: int = 2000, classes: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Continuous columns: no two values are equal; the classes depend on them, with noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 4))
    score = X[:, 0] * X[:, 1] + 0.7 * X[:, 2] + 0.4 * rng.normal(size=rows)
    return X, np.digitize(score, np.quantile(score, np.arange(1, classes) / classes))


def ties(tree: DecisionTree, X: np.ndarray, y: np.ndarray) -> int:
    """Count the nodes whose best question has an equal: there scikit-learn draws lots."""
    members = np.eye(y.max() + 1)[y]

    def below(node: Node, here: np.ndarray) -> int:
        if node.is_leaf:
            return 0
        costs: list[float] = []
        for column in range(X.shape[1]):
            order = here[np.argsort(X[here, column])]
            first = np.cumsum(members[order], axis=0)[:-1]
            size, rest = np.arange(1, len(order)), members[order].sum(axis=0) - first
            cost = size * gini(first) + (len(order) - size) * gini(rest)
            costs += list(cost[np.minimum(size, len(order) - size) >= tree.min_samples_leaf])
        best, second = sorted(costs)[:2]
        yes = X[here, node.column] <= node.threshold
        assert node.yes is not None and node.no is not None
        return int(second - best < 1e-6) + below(node.yes, here[yes]) + below(node.no, here[~yes])

    return below(tree.root_, np.arange(len(X)))


@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize("seed", [1, 3, 4, 5, 6])
def test_it_asks_what_scikit_learn_asks_where_no_two_questions_are_equally_good(limits, seed) -> None:
    X, y = examples(seed)
    fresh, _ = examples(seed + 100)
    ours, theirs = DecisionTree(**limits).fit(X, y), DecisionTreeClassifier(random_state=0, **limits).fit(X, y)
    assert ties(ours, X, y) == 0, "the data of this test must have no ties"
    assert np.allclose(ours.predict_proba(fresh), theirs.predict_proba(fresh))
    assert np.array_equal(ours.predict(fresh), theirs.predict(fresh))
    assert (ours.root_.depth(), len(ours.root_.leaves())) == (theirs.get_depth(), theirs.get_n_leaves())


def test_three_classes_with_names_are_learnt_too() -> None:
    X, y = examples(1, classes=3)
    names = np.array(["small", "middle", "large"])[y]
    ours = DecisionTree(max_depth=4, min_samples_leaf=20).fit(X, names)
    theirs = DecisionTreeClassifier(max_depth=4, min_samples_leaf=20, random_state=0).fit(X, names)
    assert list(ours.classes_) == list(theirs.classes_)
    assert np.array_equal(ours.predict(X), theirs.predict(X))
    assert np.allclose(ours.predict_proba(X), theirs.predict_proba(X))


def test_without_a_limit_it_knows_every_example_by_heart() -> None:
    X, y = examples(2)
    tree = DecisionTree().fit(X, y)
    assert tree.score(X, y) == 1.0
    assert all(np.count_nonzero(leaf.counts) == 1 for leaf in tree.root_.leaves())


def test_every_leaf_has_the_wanted_number_of_examples() -> None:
    X, y = examples(3)
    assert min(leaf.counts.sum() for leaf in DecisionTree(min_samples_leaf=40).fit(X, y).root_.leaves()) >= 40


def test_ties_go_to_the_first_column_and_the_smallest_threshold() -> None:
    column = np.array([0.0, 1.0, 2.0, 3.0])
    tree = DecisionTree(max_depth=1).fit(np.column_stack([column, column]), [0, 1, 1, 0])
    assert (tree.root_.column, tree.root_.threshold) == (0, 0.5)


def test_rounding_does_not_choose_among_equal_thresholds() -> None:
    tree = DecisionTree(max_depth=1).fit(np.arange(9.0)[:, None], [0, 1, 0, 1, 1, 1, 1, 1, 0])
    assert tree.root_.threshold == 0.5


def test_what_no_single_question_improves_is_split_all_the_same() -> None:
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
    assert DecisionTree().fit(X, [0, 1, 1, 0]).score(X, [0, 1, 1, 0]) == 1.0


def test_equal_rows_of_different_classes_end_in_one_leaf() -> None:
    tree = DecisionTree().fit(np.ones((4, 2)), [0, 1, 1, 1])
    assert tree.root_.is_leaf
    assert tree.predict_proba([[1, 1]]) == pytest.approx(np.array([[0.25, 0.75]]))


def test_a_single_class_is_answered_always() -> None:
    assert DecisionTree().fit([[1.0], [2.0]], ["good", "good"]).predict([[9.0]]).tolist() == ["good"]


def test_impurity_is_half_for_two_equal_classes_and_nothing_for_one() -> None:
    assert gini([[5, 5], [3, 0], [1, 3]]) == pytest.approx([0.5, 0, 0.375])


def test_no_question_is_allowed_where_each_half_would_be_too_small() -> None:
    assert best_split(np.arange(5.0)[:, None], np.eye(2)[[0, 1, 0, 1, 1]], min_samples_leaf=3) is None


def test_it_is_an_estimator_that_can_be_copied() -> None:
    assert clone(DecisionTree(max_depth=3, min_samples_leaf=2)).get_params() == {"max_depth": 3, "min_samples_leaf": 2}


@pytest.mark.parametrize(
    ("X", "y", "words"),
    [
        ([1.0, 2.0], [0, 1], "Reshape your data .* if your data has a single feature"),
        ([[1.0], [2.0]], [0], "one by one; got 2 rows and 1 targets"),
        (np.empty((0, 2)), [], "0 sample.* while a minimum of 1 is required"),
        ([[np.nan], [1.0]], [0, 1], "missing or infinite values in column 0"),
    ],
)
def test_examples_that_are_no_table_are_refused_in_words(X, y, words) -> None:
    with pytest.raises(ValueError, match=words):
        DecisionTree().fit(X, y)


def test_a_limit_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        DecisionTree(max_depth=0).fit([[1.0]], [0])


def test_rows_with_other_columns_are_refused() -> None:
    with pytest.raises(ValueError, match="X has 1 features, but DecisionTree is expecting 2 features"):
        DecisionTree().fit([[1.0, 2.0]], [0]).predict([[1.0]])


def test_the_text_shows_questions_answers_and_shares() -> None:
    tree = DecisionTree(max_depth=2).fit([[0.0, 5.0], [1.0, 5.0], [1.0, 7.0], [1.0, 7.0]], [0, 0, 1, 1])
    assert as_text(tree, ["bump", "files"]).splitlines() == [
        "files <= 6?",
        "    yes 0.0% of 2",
        "    no  100.0% of 2",
    ]


def test_a_drawing_has_a_text_for_each_node() -> None:
    X, y = examples(4)
    tree = DecisionTree(max_depth=3).fit(X, y)
    figure, axes = plt.subplots()
    draw(tree, list("abcd"), axes)
    texts = [text.get_text() for text in axes.texts]
    plt.close(figure)
    leaves = len(tree.root_.leaves())
    assert sum(" of " in text for text in texts) == leaves
    assert sum("<=" in text for text in texts) == leaves - 1


def test_a_drawing_that_nobody_could_read_is_refused() -> None:
    X, y = examples(5)
    figure, axes = plt.subplots()
    with pytest.raises(ValueError, match="can't be read"):
        draw(DecisionTree().fit(X, y), list("abcd"), axes)
    plt.close(figure)


def test_names_must_be_as_many_as_columns() -> None:
    with pytest.raises(ValueError, match="got 1 names"):
        as_text(DecisionTree().fit([[1.0, 2.0]], [0]), ["a"])


def test_examples_of_one_class_have_no_event_to_show() -> None:
    tree, (figure, axes) = DecisionTree().fit([[1.0], [2.0]], [False, False]), plt.subplots()
    for show in (lambda: as_text(tree, ["lines"]), lambda: draw(tree, ["lines"], axes)):
        with pytest.raises(ValueError, match="all examples are of class False, so there is no class number 1"):
            show()
    assert as_text(tree, ["lines"], event=0) == "100.0% of 2"
    plt.close(figure)


def test_two_neighbouring_floats_are_parted() -> None:
    rows, classes = np.array([[0.3], [np.nextafter(0.3, 1)]]), np.array([0, 1])
    assert DecisionTree().fit(rows, classes).predict(rows).tolist() == [0, 1]
