"""A policy that writes: what it sees, what it says it wrote, a gradient by finite differences, and imitation."""

import numpy as np

from labsupport.rl.sequences import Writer, by_log_p, imitate, log_p_of, write

SMALL = Writer(features=3, words=5, length=4, hidden=(6,))


def setting(seed: int = 0, rows: int = 7) -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.5, SMALL.network.count), rng.normal(size=(rows, 3)), rng


def test_the_network_sees_the_prompt_the_place_and_the_word_before() -> None:
    first, second = SMALL.sees(np.ones((1, 3)), 0)[0], SMALL.sees(np.ones((1, 3)), 1, np.array([4]))[0]
    assert first.tolist() == [1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert second.tolist() == [1, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0]


def test_what_is_read_again_is_what_was_seen_and_said_when_it_was_written() -> None:
    weights, prompts, rng = setting()
    written = write(SMALL, weights, prompts, rng)
    again = SMALL.reads(prompts, written.sentences)
    assert np.array_equal(again, written.seen)
    assert np.allclose(log_p_of(SMALL, weights, again, written.sentences), written.log_p)


def test_probabilities_of_all_sentences_add_up_to_one() -> None:
    short = Writer(features=2, words=3, length=2, hidden=(4,))
    weights = np.random.default_rng(1).normal(size=short.network.count)
    every = np.array([[a, b] for a in range(3) for b in range(3)])
    log_p = log_p_of(short, weights, short.reads(np.tile([0.3, -1.0], (9, 1)), every), every)
    assert np.isclose(np.exp(log_p.sum(axis=1)).sum(), 1, atol=1e-6)


def test_without_chance_the_likeliest_word_is_written_each_time() -> None:
    weights, prompts, _ = setting()
    one, other = (write(SMALL, weights, prompts, None).sentences for _ in range(2))
    assert np.array_equal(one, other)
    scores = [log_p_of(SMALL, weights, SMALL.sees(prompts, 0), np.full(7, word)) for word in range(5)]
    assert np.array_equal(np.argmax(scores, axis=0), one[:, 0])


def test_the_gradient_is_that_of_finite_differences() -> None:
    weights, prompts, rng = setting()
    written = write(SMALL, weights, prompts, rng)
    seen, words, pull = written.seen.reshape(28, -1).astype(float), written.sentences.ravel(), rng.normal(size=28)
    found = by_log_p(SMALL, weights, seen, words, pull)
    for at in range(0, len(weights), 7):
        nudge = np.zeros(len(weights))
        nudge[at] = 1e-6
        up, down = ((pull * log_p_of(SMALL, weights + sign * nudge, seen, words)).sum() for sign in (1, -1))
        assert abs((up - down) / 2e-6 - found[at]) < 1e-5


def test_imitation_learns_which_sentence_belongs_to_which_prompt() -> None:
    prompts, sentences = np.eye(3), np.array([[0, 1, 2, 3], [4, 4, 0, 1], [2, 3, 1, 0]])
    weights = imitate(SMALL, prompts, sentences, np.random.default_rng(0), steps=200, rate=2e-2)
    assert np.array_equal(write(SMALL, weights, prompts, None).sentences, sentences)
