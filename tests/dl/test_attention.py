"""Attention: shares that sum to 1, masks that hide, gradients equal to finite differences, and Transformers made of it."""

import numpy as np
import pytest

from labsupport.dl.attention import MultiHeadAttention, attention, causal
from labsupport.dl.gradients import numerical_gradient
from labsupport.dl.leaks import LEAKY, LENGTH, SOUND, WIDTH
from labsupport.dl.network import cross_entropy
from labsupport.dl.transformer import Block, Embedding, LayerNorm, Transformer, train


@pytest.fixture
def rng():
    return np.random.default_rng(304)


def test_shares_are_the_softmax_of_scaled_products(rng):
    queries, keys, values = rng.normal(size=(3, 4)), rng.normal(size=(5, 4)), rng.normal(size=(5, 2))
    taken, shares = attention(queries, keys, values)
    for row in range(3):
        scores = [np.exp(queries[row] @ keys[column] / 2) for column in range(5)]
        assert shares[row] == pytest.approx(np.array(scores) / sum(scores))
        assert taken[row] == pytest.approx(sum(share * value for share, value in zip(shares[row], values, strict=True)))


def test_large_scores_are_no_trouble():
    _, shares = attention(np.array([[1e6]]), np.array([[1.0], [2.0]]), np.zeros((2, 1)))
    assert shares.tolist() == [[0, 1]]


def test_who_is_masked_gets_nothing_and_changes_nothing(rng):
    queries, keys, values = (rng.normal(size=(6, 3)) for _ in range(3))
    taken, shares = attention(queries, keys, values, causal(6))
    assert (shares[~causal(6)] == 0).all()
    keys[4:], values[4:] = 99, -99
    assert np.array_equal(attention(queries, keys, values, causal(6))[0][:4], taken[:4])


def test_heads_that_do_not_divide_the_width_are_named(rng):
    with pytest.raises(ValueError, match="3 don't divide 8"):
        MultiHeadAttention(8, 3, rng)


@pytest.mark.parametrize("mask", [None, causal(4)])
def test_the_gradients_of_a_block_are_those_of_differences(rng, mask):
    block, x, pull = Block(6, 2, rng, np.float64), rng.normal(size=(2, 4, 6)), rng.normal(size=(2, 4, 6))

    def loss():
        return (block.forward(x, mask) * pull).sum()

    tried = [numerical_gradient(loss, each) for each in (x, *(p for stage in block.stages for p in stage.parameters))]
    loss()
    said = [block.backward(pull), *(gradient for stage in block.stages for gradient in stage.gradients)]
    for one, other in zip(tried, said, strict=True):
        assert np.abs(one - other).max() < 1e-6


def test_the_gradients_of_a_norm_and_an_embedding_are_those_of_differences(rng):
    norm, x, pull = LayerNorm(5, np.float64), rng.normal(size=(3, 2, 5)), rng.normal(size=(3, 2, 5))
    norm.parameters[0] += rng.normal(size=5)
    for each in (x, *norm.parameters):
        tried = numerical_gradient(lambda: (norm.forward(x) * pull).sum(), each)
        norm.forward(x)
        back = norm.backward(pull)
        said = next(g for g, p in zip((back, *norm.gradients), (x, *norm.parameters), strict=True) if p is each)
        assert np.abs(tried - said).max() < 1e-6
    table = Embedding(7, 4, 5, True, rng)
    table.parameters = [each.astype(float) for each in table.parameters]
    tokens, wide = np.array([[1, 1, 6], [2, 0, 1]]), rng.normal(size=(2, 3, 5))
    by_rows = [numerical_gradient(lambda: (table.forward(tokens) * wide).sum(), each) for each in table.parameters]
    table.backward(wide)
    assert all(np.abs(one - other).max() < 1e-6 for one, other in zip(by_rows, table.gradients, strict=True))


@pytest.mark.parametrize("each", [False, True])
def test_the_gradients_of_a_whole_model_are_those_of_differences(rng, each):
    model = Transformer(7, 3, 5, width=4, blocks=2, each=each, past_only=each, seed=1)
    for stage in model.stages:
        stage.parameters = [values.astype(float) for values in stage.parameters]
    tokens = np.array([[2, 5, 3, 0, 0], [1, 2, 6, 4, 2]])
    labels = rng.integers(0, 3, tokens.shape if each else 2)

    def loss():
        return cross_entropy(model.forward(tokens).reshape(-1, 3), labels.ravel())

    model.backward(loss()[1].reshape((2, 5, 3) if each else (2, 3)))
    said = [gradient.copy() for gradient in model.gradients]
    for parameter, gradient in zip(model.parameters, said, strict=True):
        tried = numerical_gradient(lambda: loss()[0], parameter)
        assert np.abs(tried - gradient).max() < 1e-6


def test_filling_changes_no_score():
    model = Transformer(9, 3, 8, seed=2)
    short = np.array([[4, 5, 6]])
    assert model.forward(short) == pytest.approx(model.forward(np.array([[4, 5, 6, 0, 0, 0, 0, 0]])), abs=1e-5)


def test_a_model_without_positions_does_not_mind_the_order_and_one_with_them_does(rng):
    tokens = np.array([[2, 3, 4, 5, 6]])
    moved = tokens[:, ::-1].copy()
    with_positions, without = (Transformer(7, 3, 5, positions=told) for told in (True, False))
    assert without.forward(tokens) == pytest.approx(without.forward(moved), abs=1e-5)
    assert np.abs(with_positions.forward(tokens) - with_positions.forward(moved)).max() > 1e-3


def test_no_token_of_a_language_model_sees_its_future(rng):
    model = Transformer(9, 9, 6, blocks=2, past_only=True, each=True, seed=3)
    tokens = rng.integers(1, 9, (1, 6))
    before = model.forward(tokens)
    for place in range(1, 6):
        other = tokens.copy()
        other[:, place:] = other[:, place:] % 8 + 1
        assert np.array_equal(model.forward(other)[:, :place], before[:, :place])
        assert not np.array_equal(model.forward(other)[:, place:], before[:, place:])


def test_a_longer_text_than_the_model_knows_is_refused():
    with pytest.raises(ValueError, match="up to 3 tokens; got 4"):
        Transformer(5, 2, 3).forward(np.ones((1, 4), int))


def test_training_learns_which_token_came_first():
    rng = np.random.default_rng(1)
    tokens = rng.integers(1, 4, (400, 5))
    model = Transformer(4, 4, 5, width=16)
    losses = list(train(model, tokens, tokens[:, 0], rate=0.01, epochs=6, seed=1))
    assert losses[-1] < 0.2 < losses[0]


@pytest.mark.parametrize("program", [*SOUND, *LEAKY], ids=lambda program: program.__name__)
def test_a_program_leaks_if_and_only_if_it_says_so(program, rng):
    x = rng.normal(size=(LENGTH, WIDTH))
    before = program(x)
    found = []
    for place in range(1, LENGTH):
        other = x.copy()
        other[place:] = rng.normal(size=other[place:].shape)
        found.append(np.abs(program(other)[:place] - before[:place]).max() > 1e-9)
    assert any(found) == (program in LEAKY)
