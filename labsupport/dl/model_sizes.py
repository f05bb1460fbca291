"""What a language model costs: parameters, multiplications for one more token, and the memory that its context takes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """The sizes of a Transformer: `width` of a token, `cached` numbers of its keys (and as many of its values) in each block, `inner`
    width of the dense stage, `matrices` in it (2, or 3 where one is a gate), whether scores share the `tied` embedding.
    """

    blocks: int
    width: int
    cached: int
    inner: int
    matrices: int
    vocabulary: int
    tied: bool = False

    @property
    def parameters(self) -> int:
        """The large weights; biases, norms and learnt places are left out: less than a hundredth of a large model."""
        looking = 2 * self.width * self.width + 2 * self.width * self.cached
        block = looking + self.matrices * self.width * self.inner
        return self.blocks * block + (1 if self.tied else 2) * self.vocabulary * self.width

    def products(self, context: int) -> tuple[int, int]:
        """Return the multiplications for one token behind `context` others: (by weights, by looking back)."""
        table = 0 if self.tied else self.vocabulary * self.width
        # Every weight once, but for the table that is only looked up; scores and sums over all that came before.
        return self.parameters - table, 2 * self.blocks * self.width * context

    @property
    def kept(self) -> int:
        """How many numbers each token of the context leaves in memory: a key and a value in every block."""
        return 2 * self.blocks * self.cached


OURS = Shape(blocks=1, width=32, cached=32, inner=64, matrices=2, vocabulary=407)
LLAMA_3_8B = Shape(blocks=32, width=4096, cached=1024, inner=14336, matrices=3, vocabulary=128_256)
"""Source: Grattafiori et al. (2024), "The Llama 3 Herd of Models", table 3, and the published configuration."""
LLAMA_3_70B = Shape(blocks=80, width=8192, cached=1024, inner=28672, matrices=3, vocabulary=128_256)
LLAMA_3_1B = Shape(blocks=16, width=2048, cached=512, inner=8192, matrices=3, vocabulary=128_256, tied=True)
"""Llama 3.2 1B, as published."""
