"""Who reads logs: counts, neighbours, places and Transformers, each with the settings that it may try, under one call."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labsupport.dl.log_windows import DAYS, RELEASES, Incident, causes, encode, vocabulary
from labsupport.dl.transformer import Tokens, Transformer, train

if TYPE_CHECKING:
    import pandas as pd

FILE = Path(__file__).with_name("log_readers.json")
LINES, WORDS, CAUSES = 11, 96, 4
"""The longest window in lines, the longest incident in words, and how many causes there are."""

Classes = NDArray[np.int64]
Reader = Callable[[Tokens], Classes]
Settings = dict[str, Any]


def neighbours(tokens: Tokens, labels: Classes, seed: int = 0, *, longest: int = 2, C: float = 1.0) -> Reader:
    """Learn from runs of 1 to `longest` tokens: TF-IDF of how often each comes, and logistic regression; 1 is a bag of words."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    words = TfidfVectorizer(ngram_range=(1, longest), token_pattern=r"\S+", lowercase=False)
    model = make_pipeline(words, LogisticRegression(C=C, max_iter=1000)).fit(_texts(tokens), labels)
    return lambda others: np.asarray(model.predict(_texts(others)))


def places(tokens: Tokens, labels: Classes, seed: int = 0, *, rate: float = 0.1, leaves: int = 31) -> Reader:
    """Learn from where each kind of line came first and last, -1 for never: boosted trees on these columns."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    kinds = int(tokens.max()) + 1
    columns = _first_and_last(tokens, kinds)
    # Some kinds never come, and the trees take no column of one value.
    varied = np.ptp(columns, axis=0) > 0
    model = HistGradientBoostingClassifier(learning_rate=rate, max_leaf_nodes=leaves, random_state=seed)
    model.fit(columns[:, varied], labels)
    return lambda others: np.asarray(model.predict(_first_and_last(others, kinds)[:, varied]))


def transformer(
    tokens: Tokens,
    labels: Classes,
    seed: int = 0,
    *,
    rate: float = 0.005,
    epochs: int = 8,
    blocks: int = 2,
    positions: bool = True,
) -> Reader:
    """Learn with a Transformer of width 32."""
    model = Transformer(int(tokens.max()) + 1, CAUSES, tokens.shape[1], blocks=blocks, positions=positions, seed=seed)
    for _ in train(model, tokens, labels, rate=rate, epochs=epochs, seed=seed):
        pass
    return reader_of(model)


def reader_of(model: Transformer) -> Reader:
    """Return a model as one who reads: the likeliest class."""
    return lambda others: np.asarray(model.probabilities(others).argmax(axis=1))


LINES_READ: dict[str, tuple[Callable[..., Reader], list[Settings]]] = {
    "counts of lines": (neighbours, [{"longest": 1, "C": C} for C in (0.1, 1, 10, 100)]),
    "runs of 2 or 3 lines": (neighbours, [{"longest": n, "C": C} for n in (2, 3) for C in (1, 10)]),
    "first and last places": (places, [{"rate": r, "leaves": n} for r in (0.03, 0.1) for n in (15, 31)]),
    "Transformer without positions": (
        transformer,
        [{"positions": False, "rate": r, "epochs": n} for r in (0.005, 0.01) for n in (8, 24)],
    ),
    "Transformer": (transformer, [{"rate": r, "epochs": n} for r in (0.005, 0.01) for n in (8, 24)]),
}
"""Who reads windows of line kinds, whose order decides; each with four settings to try."""

WORDS_READ: dict[str, tuple[Callable[..., Reader], list[Settings]]] = {
    "TF-IDF": (neighbours, [{"longest": n, "C": C} for n in (1, 2) for C in (1, 100)]),
    "Transformer": (
        transformer,
        [{"blocks": 1, "epochs": 10, "positions": p, "rate": r} for p in (True, False) for r in (0.003, 0.01)],
    ),
}
"""Who reads the words of an incident; each with four settings to try."""


def choose(who: Callable[..., Reader], tries: list[Settings], fit: tuple[Any, Any], judge: tuple[Any, Any]) -> Settings:
    """Return the settings that read `judge` (tokens, labels) best after learning from `fit`; the first of equals."""
    scores = [share(who(*fit, **settings), *judge) for settings in tries]
    return tries[int(np.argmax(scores))]


def share(reader: Reader, tokens: Tokens, labels: Classes) -> float:
    """Return the share that is read rightly."""
    return float(np.mean(reader(tokens) == labels))


def by_time(found: list[Incident], begin: float, end: float = DAYS) -> list[Incident]:
    """Return the incidents from a day up to another."""
    return [one for one in found if begin <= one.day < end]


def split(found: list[Incident], learn_until: float) -> tuple[dict[str, int], tuple[Tokens, Classes]]:
    """Return the words that incidents before a day taught, and those incidents as (tokens, causes)."""
    past = by_time(found, 0, learn_until)
    known = vocabulary([one.words for one in past])
    return known, numbered(past, known)


def numbered(some: list[Incident], known: dict[str, int]) -> tuple[Tokens, Classes]:
    """Return incidents as (tokens, causes)."""
    return encode([one.words for one in some], known, WORDS), causes(some)


def newest(some: list[Incident]) -> NDArray[np.bool_]:
    """Tell for each incident whether the last release worded its cause."""
    return np.array([one.wording == len(RELEASES) - 1 for one in some])


def measured() -> "pd.DataFrame":
    """Return what benchmarks/log_readers.py measured: `task`, `who`, `settings`, `windows`, `seed`, `accuracy` (0 to 1), `measured`."""
    import pandas as pd

    return pd.DataFrame(json.loads(FILE.read_text(encoding="utf-8")))


def settings_of(name: str) -> Settings:
    """Return the settings that one of `WORDS_READ` chose in most of the measured seeds."""
    table = measured()
    chosen: Settings = json.loads(table[(table.task == "new wording") & (table.who == name)].settings.mode()[0])
    return chosen


def _texts(tokens: Tokens) -> list[str]:
    return [" ".join(str(token) for token in row if token) for row in tokens.tolist()]


def _first_and_last(tokens: Tokens, kinds: int) -> NDArray[np.float64]:
    columns = np.full((len(tokens), 2, kinds), -1.0)
    rows = np.arange(len(tokens))
    known = np.where(tokens < kinds, tokens, 1)
    for place in reversed(range(tokens.shape[1])):
        columns[rows, 0, known[:, place]] = place
    for place in range(tokens.shape[1]):
        columns[rows, 1, known[:, place]] = place
    return columns.reshape(len(tokens), -1)
