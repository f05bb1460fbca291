"""Byte-pair encoding: text is cut into the pieces that came up most often, and nothing is ever unknown.

Source: Sennrich et al. (2016), "Neural Machine Translation of Rare Words with Subword Units"; bytes as in GPT-2.
"""

import re
from collections import Counter
from collections.abc import Iterable

Pair = tuple[int, int]
# A word with the space before it, a line break, or other blanks: merges never reach over its ends.
WORDS = re.compile(r" ?\S+|\n|\s")


class Tokens:
    """A vocabulary: token 0 is the filling, 1 to 256 are the bytes, and each later one is a pair of earlier ones.

    `merges`: the pairs in the order in which they were learnt.
    """

    def __init__(self, merges: Iterable[Pair] = ()) -> None:
        self.merges = {tuple(pair): 257 + rank for rank, pair in enumerate(merges)}
        self.pieces = [b"", *(bytes([byte]) for byte in range(256))]
        for left, right in self.merges:
            self.pieces.append(self.pieces[left] + self.pieces[right])
        self._known: dict[str, list[int]] = {}

    @classmethod
    def learn(cls, text: str, merges: int) -> "Tokens":
        """Join the most frequent pair of neighbours, `merges` times or until no pair comes twice; ties go to the smaller pair."""
        words = {word: [1 + byte for byte in word.encode()] for word in set(WORDS.findall(text))}
        count = Counter(WORDS.findall(text))
        learnt: list[Pair] = []
        for token in range(257, 257 + merges):
            pairs: Counter[Pair] = Counter()
            for word, parts in words.items():
                for pair in zip(parts, parts[1:], strict=False):
                    pairs[pair] += count[word]
            if not pairs or max(pairs.values()) < 2:
                break
            best = min(pairs, key=lambda pair: (-pairs[pair], pair))
            words = {word: joined(parts, best, token) for word, parts in words.items()}
            learnt.append(best)
        return cls(learnt)

    def __len__(self) -> int:
        return len(self.pieces)

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text; each word is joined in the order in which the pairs were learnt."""
        return [token for word in WORDS.findall(text) for token in self._of(word)]

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the text of tokens; bytes that are no text become a question mark in a diamond."""
        return b"".join(self.pieces[token] for token in tokens).decode(errors="replace")

    def _of(self, word: str) -> list[int]:
        if word not in self._known:
            parts = [1 + byte for byte in word.encode()]
            while known := [pair for pair in zip(parts, parts[1:], strict=False) if pair in self.merges]:
                first = min(known, key=self.merges.__getitem__)
                parts = joined(parts, first, self.merges[first])
            self._known[word] = parts
        return self._known[word]


def joined(parts: list[int], pair: Pair, token: int) -> list[int]:
    """Return the parts with each occurrence of the pair, from the left, replaced by the token."""
    result: list[int] = []
    at = 0
    while at < len(parts):
        both = tuple(parts[at : at + 2]) == pair
        result.append(token if both else parts[at])
        at += 2 if both else 1
    return result
