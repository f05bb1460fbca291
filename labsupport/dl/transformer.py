"""A small Transformer: embeddings, blocks of attention and of dense stages, scores for the whole text or after each token."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labsupport.dl.attention import Mask, MultiHeadAttention, causal, rows_to_rows
from labsupport.dl.network import Array, ReLU, Stage, cross_entropy, softmax
from labsupport.dl.optimizers import Adam

Tokens = NDArray[np.int64]
"""Numbers of tokens (n, t); 0 fills a short text up."""


class Embedding(Stage):
    """A row of numbers for each token and, with `positions`, one more for its place in the text; both are learnt."""

    def __init__(self, vocabulary: int, length: int, width: int, positions: bool, rng: np.random.Generator) -> None:
        tables = [rng.normal(0, 0.5, (rows, width)).astype(np.float32) for rows in (vocabulary, length)]
        super().__init__(*(tables if positions else tables[:1]))

    def forward(self, x: Array, training: bool = False) -> Array:
        self.tokens = x
        out: Array = self.parameters[0][x]
        return out + self.parameters[1][: x.shape[1]] if len(self.parameters) == 2 else out

    def backward(self, gradient: Array) -> Array:
        rows, width = self.parameters[0].shape
        # Each token's row gathers what came back from all places where it stood: a product with their one-hot rows.
        stood = (self.tokens.ravel() == np.arange(rows)[:, None]).astype(gradient.dtype)
        self.gradients = [stood @ gradient.reshape(-1, width)]
        if len(self.parameters) == 2:
            by_place = np.zeros_like(self.parameters[1])
            by_place[: gradient.shape[1]] = gradient.sum(axis=0)
            self.gradients.append(by_place)
        return gradient


class LayerNorm(Stage):
    """Each token's numbers, moved and scaled to mean 0 and variance 1; then a learnt scale and shift. Source: Ba et al. (2016)."""

    def __init__(self, width: int, dtype: Any = np.float32) -> None:
        super().__init__(np.ones(width, dtype), np.zeros(width, dtype))

    def forward(self, x: Array, training: bool = False) -> Array:
        scale, shift = self.parameters
        centred = x - x.mean(axis=-1, keepdims=True)
        self.over = 1 / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
        self.normal = centred * self.over
        result: Array = self.normal * scale + shift
        return result

    def backward(self, gradient: Array) -> Array:
        width = gradient.shape[-1]
        self.gradients = [
            (gradient * self.normal).reshape(-1, width).sum(axis=0),
            gradient.reshape(-1, width).sum(axis=0),
        ]
        back = gradient * self.parameters[0]
        along = (back * self.normal).mean(axis=-1, keepdims=True)
        result: Array = (back - back.mean(axis=-1, keepdims=True) - self.normal * along) * self.over
        return result


class Block:
    """Tokens look at each other, then each is worked on alone; both add to what was there, so that nothing gets lost."""

    def __init__(self, width: int, heads: int, rng: np.random.Generator, dtype: Any = np.float32) -> None:
        self.before, self.look = LayerNorm(width, dtype), MultiHeadAttention(width, heads, rng, dtype)
        self.between, self.bend = LayerNorm(width, dtype), ReLU()
        self.wide, self.narrow = rows_to_rows(width, 2 * width, rng, dtype), rows_to_rows(2 * width, width, rng, dtype)

    @property
    def stages(self) -> list[Stage]:
        """All stages that learn."""
        return [self.before, *self.look.dense, self.between, self.wide, self.narrow]

    def forward(self, x: Array, mask: Mask | None) -> Array:
        """Return (n, t, width) for tokens (n, t, width)."""
        x = x + self.look.attend(self.before.forward(x), mask)
        rows = self.between.forward(x).reshape(-1, x.shape[2])
        return x + self.narrow.forward(self.bend.forward(self.wide.forward(rows))).reshape(x.shape)

    def backward(self, gradient: Array) -> Array:
        """Return the gradient by the tokens that came in."""
        rows = self.wide.backward(self.bend.backward(self.narrow.backward(gradient.reshape(-1, gradient.shape[2]))))
        gradient = gradient + self.between.backward(rows.reshape(gradient.shape))
        return gradient + self.before.backward(self.look.backward(gradient))


class Transformer:
    """Scores (n, outputs) for texts, the mean over their tokens; or with `each` scores after each token (n, t, outputs).

    `vocabulary`: how many tokens there are, 0 being the filling; `length`: the longest text; `positions`: whether places are
    told; `past_only`: whether a token sees only itself and what stands before it.
    """

    def __init__(
        self,
        vocabulary: int,
        outputs: int,
        length: int,
        *,
        width: int = 32,
        heads: int = 2,
        blocks: int = 1,
        positions: bool = True,
        past_only: bool = False,
        each: bool = False,
        seed: int = 0,
    ) -> None:
        rng = np.random.default_rng(seed)
        self.length, self.past_only, self.each = length, past_only, each
        self.embedding = Embedding(vocabulary, length, width, positions, rng)
        self.blocks = [Block(width, heads, rng) for _ in range(blocks)]
        self.norm, self.head = LayerNorm(width), rows_to_rows(width, outputs, rng)

    @property
    def stages(self) -> list[Stage]:
        """All stages that learn, from the first to the last."""
        return [self.embedding, *(stage for block in self.blocks for stage in block.stages), self.norm, self.head]

    @property
    def parameters(self) -> list[Array]:
        """What is learnt; changed in place, it changes the network."""
        return [each for stage in self.stages for each in stage.parameters]

    @property
    def gradients(self) -> list[Array]:
        """The gradients of the last `backward`, in the order of `parameters`."""
        return [each for stage in self.stages for each in stage.gradients]

    def mask(self, tokens: Tokens) -> Mask:
        """Return who may look at whom, (n, 1, t or 1, t): nobody at the filling, and with `past_only` nobody ahead."""
        there: Mask = (tokens != 0)[:, None, None, :]
        if not self.past_only:
            return there
        # Each sees itself, so that filling at the front leaves no row without anybody.
        return there & causal(tokens.shape[1]) | np.eye(tokens.shape[1], dtype=np.bool_)

    def forward(self, tokens: Tokens) -> Array:
        """Return scores for texts (n, t), of which each has at least one token. Raises ValueError for longer ones than `length`."""
        x = self._worked(tokens)
        self.shape, self.there = x.shape, (tokens != 0)[:, :, None].astype(x.dtype)
        if self.each:
            return self.head.forward(x.reshape(-1, x.shape[2])).reshape(*x.shape[:2], -1)
        return self.head.forward((x * self.there).sum(axis=1) / self.there.sum(axis=1))

    def backward(self, gradient: Array) -> None:
        """Find all gradients, from that by the scores."""
        if self.each:
            back = self.head.backward(gradient.reshape(-1, gradient.shape[2])).reshape(self.shape)
        else:
            back = self.head.backward(gradient)[:, None, :] * self.there / self.there.sum(axis=1, keepdims=True)
        back = self.norm.backward(back)
        for block in reversed(self.blocks):
            back = block.backward(back)
        self.embedding.backward(back)

    def probabilities(self, tokens: Tokens) -> Array:
        """Return the softmax of the scores, in pieces that keep memory small."""
        pieces = [self.forward(tokens[begin : begin + 256]).astype(float) for begin in range(0, len(tokens), 256)]
        scores = np.concatenate(pieces)
        return softmax(scores.reshape(-1, scores.shape[-1])).reshape(scores.shape)

    def next(self, contexts: Tokens) -> Array:
        """Return for texts (n, t) of one length the probabilities (n, vocabulary) of the token behind each."""
        return softmax(self.head.forward(self._worked(contexts)[:, -1]).astype(float))

    def _worked(self, tokens: Tokens) -> Array:
        if tokens.shape[1] > self.length:
            raise ValueError(f"texts have up to {self.length} tokens; got {tokens.shape[1]}")
        x, mask = self.embedding.forward(tokens), self.mask(tokens)
        for block in self.blocks:
            x = block.forward(x, mask)
        return self.norm.forward(x)


def train(
    model: Transformer, tokens: Tokens, labels: Any, *, rate: float, epochs: int, batch: int = 32, seed: int = 0
) -> Iterator[float]:
    """Train with Adam on shuffled batches, the rate falling to 0, and yield after each epoch its mean loss in nats.

    `labels` (n,): classes; or for a model with `each` (n, t): the tokens that follow, 0 where nothing is asked.
    """
    rng, optimizer = np.random.default_rng(seed), Adam(rate)
    steps, taken = epochs * -(-len(tokens) // batch), 0
    for _ in range(epochs):
        order, total = rng.permutation(len(tokens)), 0.0
        for begin in range(0, len(tokens), batch):
            rows = order[begin : begin + batch]
            # No longer than its longest text: less to reckon.
            longest = int((tokens[rows] != 0).sum(axis=1).max())
            loss, gradient = _loss(model, tokens[rows][:, :longest], labels[rows])
            model.backward(gradient)
            optimizer.learning_rate = rate * min(1.0, 10 * (taken + 1) / steps) * (1 - taken / steps)
            optimizer.apply(model.gradients, model.parameters)
            total += loss * len(rows)
            taken += 1
        yield total / len(tokens)


def _loss(model: Transformer, tokens: Tokens, labels: Any) -> tuple[float, Array]:
    scores = model.forward(tokens)
    if not model.each:
        return cross_entropy(scores, labels)
    wanted = labels[:, : tokens.shape[1]]
    asked = wanted != 0
    loss, by_asked = cross_entropy(scores[asked], wanted[asked])
    gradient = np.zeros_like(scores)
    gradient[asked] = by_asked
    return loss, gradient
