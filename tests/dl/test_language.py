"""Tokens, language models and what they cost: pieces come together again, counts are probabilities, sizes are those published."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labsupport.dl import language
from labsupport.dl.model_sizes import LLAMA_3_1B, LLAMA_3_8B, LLAMA_3_70B, OURS
from labsupport.dl.tokens import Tokens
from labsupport.dl.transformer import Transformer

LEARNT = Tokens.learn("low low low lower newest newest newest widest", 12)


@given(st.text())
def test_every_text_comes_together_again(text):
    assert LEARNT.decode(LEARNT.encode(text)) == text


def test_the_most_frequent_pair_is_joined_first():
    tokens = Tokens.learn("aab aab ab", 2)
    first, second = list(tokens.merges)
    assert tokens.pieces[257] == b"ab"
    assert first == (1 + ord("a"), 1 + ord("b"))
    assert tokens.pieces[258] in (b" ab", b"aab", b" a")
    assert second in tokens.merges


def test_a_frequent_word_becomes_one_token_and_an_unknown_one_several():
    tokens = Tokens.learn("status " * 50, 30)
    assert len(tokens.encode("status status")) <= 3
    assert len(tokens.encode(" zyx")) == 4


def test_pairs_that_come_once_are_not_joined():
    assert len(Tokens.learn("abc", 10).merges) == 0


def test_overlapping_pairs_are_joined_from_the_left():
    tokens = Tokens.learn("aaa aaa", 1)
    assert [tokens.pieces[token] for token in tokens.encode("aaa")] == [b"aa", b"a"]


def test_counts_say_probabilities_and_the_common_continuation_most():
    text = [1, 2, 3, 1, 2, 3, 1, 2, 4]
    model = language.Counts(5, 3).fit(text)
    said = model.next(np.array([[1, 2], [4, 4], [0, 0]]))
    assert said.sum(axis=1) == pytest.approx(1)
    assert said[0].argmax() == 3 and said[0, 3] > said[0, 4] > said[0, 0] > 0


def test_witten_and_bell_by_hand():
    # One token, seen 2 and 1 times of 3, two kinds: (count + 2 * 1/4) / 5.
    said = language.Counts(4, 1).fit([1, 1, 2]).next(np.array([[3]]))[0]
    assert said == pytest.approx([0.1, 0.5, 0.3, 0.1])


def test_pieces_are_followed_by_what_follows():
    inputs, targets = language.following([1, 2, 3, 4, 5, 6], 3, 2)
    assert inputs.tolist() == [[1, 2, 3], [3, 4, 5]]
    assert targets.tolist() == [[2, 3, 4], [4, 5, 6]]


def test_temperature_sharpens_and_flattens_and_keeps_what_is_impossible():
    said = np.array([0.6, 0.3, 0.1, 0.0])
    assert language.tempered(said, 1.0) == pytest.approx(said)
    assert language.tempered(said, 0.01) == pytest.approx([1, 0, 0, 0])
    assert language.tempered(said, 1e6) == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0], abs=1e-4)
    with pytest.raises(ValueError, match="above 0"):
        language.tempered(said, 0)


def test_what_is_drawn_comes_as_often_as_the_model_says():
    class Coin:
        def next(self, contexts):
            return np.tile([0.0, 0.75, 0.25], (len(contexts), 1))

    drawn = language.write(Coin(), [1], 400, 10, 1.0, seed=1)
    assert drawn.shape == (400, 10)
    assert set(np.unique(drawn)) == {1, 2}
    assert np.mean(drawn == 1) == pytest.approx(0.75, abs=0.03)


def test_real_lines_are_known_from_others():
    text = language.log_text(0.5, seed=1)
    assert all(language.could_be_real(line) for line in text.splitlines())
    assert not language.could_be_real("ERROR gateway status 200 returned")
    assert not language.could_be_real("INFO checkout cache refreshed 4 entries")


def test_surprise_is_in_bits():
    class Sure:
        def next(self, contexts):
            return np.tile([0.0, 0.25, 0.75], (len(contexts), 1))

    assert language.bits(Sure(), np.ones((3, 2), int), [1, 1, 1]) == pytest.approx([2, 2, 2])


@pytest.mark.parametrize(("shape", "billions"), [(LLAMA_3_1B, 1.24), (LLAMA_3_8B, 8.03), (LLAMA_3_70B, 70.6)])
def test_the_weights_of_published_models_add_up(shape, billions):
    assert shape.parameters / 1e9 == pytest.approx(billions, rel=0.005)


def test_the_shape_of_our_model_counts_its_matrices():
    model = Transformer(OURS.vocabulary, OURS.vocabulary, 32, past_only=True, each=True)
    matrices = sum(each.size for each in model.parameters if each.ndim == 2) - 32 * 32
    assert matrices == OURS.parameters


def test_each_token_leaves_a_key_and_a_value_in_each_block():
    assert 2 * LLAMA_3_8B.kept == 128 * 1024
