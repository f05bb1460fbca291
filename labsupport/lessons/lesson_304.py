"""Lesson 304, attention and Transformers: checkers, hints, guesses and quiz."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from labsupport.exercises import Measured, expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail
from labsupport.exercises.refute import OutsideRules

exercises = Exercises("304")

exercises.guess("g1", "With 500 windows to learn from, the Transformer still beats the runs of 2 or 3 lines")
exercises.guess(
    "g2", "Accuracy of the Transformer on incidents whose cause has the new wording, mean of five seeds", unit="%"
)
exercises.guess("g3", "Share of a JSON line's tokens that its trace id takes", unit="%")


@exercises.check(
    "1",
    "Look at the latest error",
    hints=(
        "A score is a product: each number of the key times the same number of the query. What must a key say for an error to win, and what for the *latest* error to win?",
        "Two numbers for a key: whether the line is an error (times something large), and its place. The query says how much each of them counts.",
        "`keys = np.column_stack([1000 * errors, np.arange(len(errors))])`, and `queries = np.full((len(errors), 2), 10.0)`: scores of neighbouring places must lie some units apart.",
    ),
    minutes=8,
)
def latest_error(answer: Any) -> str:
    """Let attention with a causal mask look, on logs of several lengths, and read the shares."""
    asks = expect.function(answer)
    rng = np.random.default_rng(304)
    logs = [rng.random(n) < share for n, share in ((12, 0.4), (64, 0.3), (40, 0.05), (1, 1.0), (9, 1.0), (5, 0.0))]
    logs += [np.arange(64) == 0, np.isin(np.arange(64), (20, 21, 22))]
    for errors in logs:
        _own_line_only(asks, errors)
        _shares_are_right(_pair(asks, errors), errors)
    return f"{len(logs)} logs of 1 to 64 lines: from the first error on, each line gives 90 % or more to the latest."


def _pair(asks: Guarded, errors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    wanted = "a pair (queries, keys), each with a row for each line"
    given = expect.returned(asks(errors), wanted)
    if not isinstance(given, list | tuple) or len(given) != 2:
        raise Fail(f"`{type(given).__name__}`", wanted, "return both, separated by a comma")
    widths = [np.shape(part)[1] if np.ndim(part) == 2 else 1 for part in given]
    queries, keys = (expect.array(part, (len(errors), width), name) for part, width, name in zip(given, widths, ("the queries", "the keys"), strict=True))  # fmt: skip
    if widths[0] != widths[1]:
        raise Fail(
            f"queries of width {widths[0]}, keys of {widths[1]}",
            "the same width",
            "a score pairs each number of a query with one of the key",
        )
    for name, part in (("queries", queries), ("keys", keys)):
        if not np.isfinite(part).all():
            raise Fail(
                f"{name} that are no finite numbers",
                "numbers",
                "an infinity, a division by 0, or a number grown too large: a large finite number will do",
            )
    return queries, keys


def _own_line_only(asks: Guarded, errors: np.ndarray) -> None:
    if len(errors) < 5:
        return
    other = errors.copy()
    other[2] = ~other[2]
    before, after = _pair(asks, errors), _pair(asks, other)
    rest = np.arange(len(errors)) != 2
    if any(one.shape != two.shape or not np.allclose(one[rest], two[rest]) for one, two in zip(before, after, strict=True)):  # fmt: skip
        raise Fail(
            "rows that change when another line does",
            "row i made of errors[i] and i alone",
            "the function has looked at the other lines itself: that is the work of attention",
        )


def _shares_are_right(pair: tuple[np.ndarray, np.ndarray], errors: np.ndarray) -> None:
    from labsupport.dl.attention import attention, causal

    n = len(errors)
    queries, keys = pair
    with np.errstate(over="ignore", invalid="ignore"):
        shares = attention(queries, keys, np.zeros((n, 1)), causal(n))[1]
    if not np.isfinite(shares).all():
        raise Fail("shares that are no numbers", "90 % or more", "the scores are too large for a float: smaller numbers will do")  # fmt: skip
    latest = np.maximum.accumulate(np.where(errors, np.arange(n), -1))
    asked = np.flatnonzero(latest >= 0)
    got = shares[asked, latest[asked]]
    if (got >= 0.9).all():
        return
    line = int(asked[got.argmin()])
    target, row = int(latest[line]), shares[line]
    saw = f"line {line} of {n} gives {got.min():.0%} to the latest error, line {target}"
    seen, first = np.flatnonzero(errors[: line + 1]), int(errors.argmax())
    most = int(row.argmax())
    if np.ptp(row[: line + 1]) < 1e-9:
        cause = "each line gets the same: in this log an error's key says no more than any other line's"
    elif len(seen) > 1 and np.ptp(row[seen]) < 0.01 and row[seen].sum() > 0.5:
        cause = "each error so far gets the same: nothing in the keys says which came last"
    elif most == first != target and errors[most]:
        cause = "it looks at the *first* error: the place counts with the wrong sign"
    elif not errors[line] and row[line] > row[target] - 0.01:
        cause = "it looks at itself, which is no error: the place counts for as much as being one, or more"
    elif not errors[most]:
        cause = "it looks at a line that is no error: what should an error's key say that others don't?"
    elif most == target:
        cause = "the right line is ahead, by too little: scores that are units apart, not tenths, give clear shares"
    else:
        raise Fail(saw, "90 % or more", question=f"it looks most at line {most}: what are the scores of the two?")
    raise Fail(saw, "90 % or more", cause)


@dataclass(frozen=True)
class _Question:
    """A machine, its load, and the models to choose from."""

    shapes: Mapping[str, Any]
    gigabytes: float
    users: int
    context: int

    def answer(self, best: Any = max, **broken: Any) -> str | None:
        """The name of the largest that fits, under the rules or with some of them broken."""
        rules = {"weights": 2, "copies": 1, "numbers": 2, "users": self.users, "context": self.context, "giga": 1e9}
        good = []
        for name, shape in self.shapes.items():
            use = rules | {"kept": shape.kept}
            use |= {rule: value(self, shape) if callable(value) else value for rule, value in broken.items()}
            contexts = use["users"] * use["context"] * use["kept"] * use["numbers"]
            if use["weights"] * use["copies"] * shape.parameters + contexts <= use["giga"] * self.gigabytes:
                good.append(name)
        return best(good, key=lambda name: self.shapes[name].parameters) if good else None


MISTAKES: dict[str, dict[str, Any]] = {
    "the memory of the contexts is left out": {"users": 0},
    "only one user's context is counted": {"users": 1},
    "only one token of each context is counted": {"context": 1},
    "each user got a copy of the weights: they are shared": {"copies": lambda q, _: q.users},
    "the weights are left out": {"weights": 0},
    "one byte was counted for each number, and they have two": {"weights": 1, "numbers": 1},
    "the numbers that are kept have two bytes each": {"numbers": 1},
    "the weights have two bytes each": {"weights": 1},
    "`kept` counts keys and values already": {"numbers": 4},
    "`width` numbers were counted for each token, and `kept` says how many it leaves": {"kept": lambda _, s: s.width},
    "the keys are all of `width` there, but several heads share a key: `kept` knows": {"kept": lambda _, s: 2 * s.blocks * s.width},
    "a gigabyte is a billion bytes here": {"giga": 2.0**30},
    "it takes the smallest that fits, and asked is the largest": {"best": min},
    "it takes the first that fits, and asked is the largest": {"best": lambda good, key: good[0]},
}  # fmt: skip


@exercises.check(
    "2",
    "The largest model that fits",
    hints=(
        "Two things lie in memory: the weights, once for all users; and for each user what the tokens of the context leave.",
        "Each user keeps `context * shape.kept` numbers. All numbers have two bytes.",
        "`need = 2 * shape.parameters + users * context * shape.kept * 2`; keep the names with `need <= gigabytes * 1e9`, and take `max(..., key=...)`.",
    ),
    minutes=7,
)
def largest(answer: Any) -> str:
    """Ask for machines of many sizes, with models in several orders; find the mistake that explains all answers."""
    choose = expect.function(answer)
    questions = _questions()
    said = [_name(choose(q.shapes, q.gigabytes, q.users, q.context), q) for q in questions]
    wrong = [at for at, (q, name) in enumerate(zip(questions, said, strict=True)) if name != q.answer()]
    if not wrong:
        return f"{len(questions)} machines, each with the largest model that fits, or with none."
    q, name = questions[wrong[0]], said[wrong[0]]
    saw, wanted = f"`{name!r}` for {q.gigabytes:g} GB, {q.users} users, {q.context} tokens", f"`{q.answer()!r}`"
    for cause, broken in MISTAKES.items():
        if all(question.answer(**broken) == given for question, given in zip(questions, said, strict=True)):
            raise Fail(saw, wanted, cause)
    need = {each: 2 * s.parameters + q.users * q.context * s.kept * 2 for each, s in q.shapes.items()}
    told = ", ".join(f"{each} {bytes_ / 1e9:.3g} GB" for each, bytes_ in need.items())
    raise Fail(saw, wanted, question=f"how much do you reckon for each? Needed are: {told}")


def _name(given: Any, q: _Question) -> str | None:
    if given is None or isinstance(given, str) and given in q.shapes:
        return given
    raise Fail(f"`{given!r:.40}`", "the name of a model, or None", f"the names are {', '.join(q.shapes)}")


def _questions() -> list[_Question]:
    from labsupport.dl.model_sizes import LLAMA_3_1B, LLAMA_3_8B, LLAMA_3_70B, Shape

    rng = np.random.default_rng(304)
    llamas = {"8B": LLAMA_3_8B, "1B": LLAMA_3_1B, "70B": LLAMA_3_70B}
    found = [_Question(llamas, gb, users, tokens) for gb, users, tokens in ((24, 1, 8192), (24, 20, 8192), (24, 100, 8192), (80, 20, 8192), (160, 4, 8192), (160, 8, 65536), (2, 1, 1))]  # fmt: skip
    for _ in range(40):
        shapes = {}
        for name in rng.permutation(["a", "b", "c", "d"]):
            width = 256 * int(rng.integers(1, 20))
            cached = width // int(rng.choice([1, 2, 4, 8]))
            shapes[str(name)] = Shape(int(rng.integers(4, 60)), width, cached, 4 * width, 2, 32_000)
        users, tokens = int(rng.integers(1, 50)), int(rng.integers(100, 10_000))
        one = shapes[str(rng.choice(list(shapes)))]
        need = 2 * one.parameters + 2 * users * tokens * one.kept
        # A little too small, a little too large, or anything: never so near that the order of a sum decides.
        gigabytes = need / 1e9 * float(rng.choice([0.97, 1.03, rng.uniform(0.3, 3)]))
        found.append(_Question(shapes, gigabytes, users, tokens))
    return found


CLUES = {
    "no_mask": "Here each token sees all others. Does your test compare the outputs *before* the place that you changed?",
    "one_ahead": "Here each token sees one further than itself. Which outputs may change when token p does, and which may not?",
    "masked_too_late": "Here what is taken of each past token shrinks when a future one asks for more. By how much do your two texts differ, and is every difference of the outputs counted, however small?",
    "centred": "Here a mean over all tokens is taken off. Does your change leave that mean as it was?",
    "half_a_mask": "Here the leak lies behind the eighth token. Do you look at the outputs of late tokens as well?",
    "open_prompt": "Here only the first eight tokens see ahead, and only each other. Do you change early tokens, too?",
    "skips_one": "Here each token sees the one after the next, but not the next. Are all later tokens changed, and all earlier outputs compared?",
    "last_token": "Here only the last token reaches back, to the first four. Are all later tokens changed, and all earlier outputs compared?",
}


@exercises.check(
    "3",
    "A test for leaks",
    hints=(
        "If token p changes, which outputs may change, and which must not? Run the program twice and compare.",
        "For each p: copy x, change the rows from p on, and compare the outputs of the rows before p.",
        "`y[p:] = rng.normal(size=y[p:].shape)`, then `not np.allclose(program(x)[:p], program(y)[:p])` for p from 1 to 15; one difference is enough.",
    ),
    minutes=8,
)
def leak_test(answer: Guarded) -> str:
    """Hand over sound and leaky programs in an order that tells nothing."""
    from labsupport.dl.leaks import LEAKY, SOUND

    leaks = expect.function(answer)
    programs = [*SOUND, *LEAKY, *SOUND]
    said = []
    for at in np.random.default_rng(304).permutation(len(programs)):
        given = expect.returned(leaks(programs[at]), "True or False")
        if isinstance(given, np.generic | np.ndarray) and given.size == 1:
            given = given.item()
        if not isinstance(given, bool):
            raise Fail(f"`{given!r:.40}`", "True or False", "say for the whole program whether any token sees its future")  # fmt: skip
        said.append((programs[at], given))
    wrong = sorted((pair for pair in said if pair[1] != (pair[0] in LEAKY)), key=lambda pair: pair[1], reverse=True)
    if not wrong:
        return f"{len(LEAKY)} leaky programs found, and no sound one accused."
    if len({given for _, given in said}) == 1:
        raise Fail(f"{said[0][1]} for every program", "True for the leaky ones only", _of_all(leaks, said[0][1]))
    program, given = wrong[0]
    if given:
        raise Fail(
            f"True for a program in which nobody sees the future ({program.__doc__})",
            "False",
            question="which of the outputs that you compare may change by right?",
        )
    raise Fail("False for a leaky program", "True", question=CLUES[program.__name__])


def _of_all(leaks: Guarded, said: bool) -> str:
    from labsupport.dl.leaks import sound

    seen: list[np.ndarray] = []

    def recorded(x: Any) -> Any:
        seen.append(np.array(x, dtype=float))
        return sound(seen[-1])

    leaks(recorded)
    if any(not np.isfinite(x).all() for x in seen):
        return "0 times nan is nan: a hidden token that is no number spoils everything. Change it to other numbers"
    if len(seen) < 2:
        return "a leak shows between two calls: the same text, and one whose later tokens are others"
    if said:
        return "the changed token's own output may change, and so may all after it: compare those before it"
    return "no difference was found even without a mask: is the second text another one, and are earlier outputs compared?"  # fmt: skip


@exercises.refute(
    "4",
    "Without positions, the mean of what a block's tokens take is the same for every order of the tokens",
    case="a mask of 6 x 6 truth values: which token (row) may look at which place (column), at least one in each row",
    hints=(
        "With a full mask the sentence holds: everybody sees everybody, wherever they stand. The mask belongs to places, not to tokens.",
        "If a token at the front sees less than one at the end, is it all the same where it stands?",
        "Which mask have you met that lets the second place see two tokens, and the fifth five?",
    ),
    minutes=4,
)
def order_is_lost(case: Any) -> Measured:
    """Ask three blocks from chance about texts of six tokens, in their order and in others."""
    from labsupport.dl.transformer import Block

    mask = _mask(case)
    moved = []
    for seed in range(3):
        rng = np.random.default_rng([304, seed])
        block, x = Block(8, 2, rng, np.float64), rng.normal(size=(1, 6, 8))
        usual = block.forward(x, mask).mean(axis=1)
        for _ in range(20):
            moved.append(np.abs(block.forward(x[:, rng.permutation(6)], mask).mean(axis=1) - usual).max())
    return Measured(max(moved) < 1e-9, f"in 60 other orders the mean moves by up to {max(moved):.2g}")


def _mask(case: Any) -> np.ndarray:
    try:
        mask = np.asarray(case, dtype=float)
    except (TypeError, ValueError):
        raise OutsideRules(f"a case is a table of truth values, this is {case!r:.30}") from None
    if mask.shape != (6, 6):
        raise OutsideRules(f"a case has 6 rows and 6 columns, this has the shape {mask.shape}")
    if not np.isin(mask, (0, 1)).all():
        raise OutsideRules("a mask holds truth values, or 0 and 1")
    if not mask.any(axis=1).all():
        raise OutsideRules(f"row {int(mask.any(axis=1).argmin())} may look at nobody")
    return mask.astype(bool)


exercises.quiz(
    "a",
    "Another question about the same windows: does *any* line in them report a full disk? A colleague trains the Transformer with positions, \"since it won\". What do you expect on windows that neither has seen?",
    ("It wins again: who reads in order can also count, and more.", False, "It can learn to; but nothing in this task rewards order, and it has more that may go wrong with few examples."),
    ("Counts of lines are as good or better, and cheaper.", True, "The answer does not change when the lines are shuffled. Ask of each task whether shuffling changes the right answer. If it does not, positions only give noise to learn."),
    ("The Transformer without positions wins: it alone sees all pairs of lines.", False, "No pair is asked for. One line is, and a count has it."),
    ("Nobody can tell before it is measured, on this task and these windows.", False, "Measure all the same; but this much can be said: shuffled windows have the same answer."),
)  # fmt: skip
exercises.quiz(
    "b",
    "Next quarter's release will rename two thirds of the log messages. Your classifier reaches 99.9 % on windows drawn at random from the last year, in which there were four releases. Which number would you show before you promise anything?",
    ("Accuracy on a larger random sample of the year: 99.9 % may be luck.", False, "A larger sample of the same wordings says more exactly what you know already."),
    ("Accuracy on last month, trained on the eleven months before.", False, "Better, time flows the right way. But if last month had no release, it holds no new wording."),
    ("For each past release: trained on what was before it, accuracy on its new wordings only.", True, "Four rehearsals of what will come. The mean over old wordings would hide the drop."),
    ("Accuracy by 10-fold cross-validation over the year.", False, "Each fold has every wording in training: it answers a question that nobody will ask next quarter."),
)  # fmt: skip
exercises.quiz(
    "c",
    "A server answers two users with 4,000 tokens of context each. Now one of them pastes a log: 8,000 tokens, and the other one leaves. What does the *next* token of that user cost, against one of the two before?",
    ("Twice the work and twice the memory of one of them: all grows with the context.", False, "The memory of a context doubles. But the weights' part of the work is the same for every token, however long the context."),
    ("Four times the work, in twice the memory: attention grows with the square.", False, "With the square grows the whole text, every token looking at every other. One more token looks once at each of 8,000."),
    ("The weights' work stays, looking back doubles, and so does its memory.", True, "The kept keys and values take what both users' took together. Whether that is felt depends on the model: in ours looking back dominates early, in a large one late."),
    ("The same work and the same memory: a token is a token, wherever it stands.", False, "True of the weights' part alone. It looks back at twice as many tokens, and they all lie in memory."),
)  # fmt: skip
exercises.quiz(
    "d",
    "A model writes the kubectl command for a ticket. In a test 6 of 100 commands would have hit the wrong namespace. A colleague sets the temperature to almost 0: \"Now it only says what it is sure of.\" What will you find?",
    ("About none wrong: what is unlikely is not drawn any more, and wrong is unlikely.", False, "Only if the wrong namespace was always the less likely one. Where the model believes it, it now says it every time."),
    ("Fewer odd commands, and some that are now wrong each time.", True, "Where its belief is wrong, it says so every time: temperature chooses among beliefs and mends none. A dry run and a rule for the namespace do."),
    ("More wrong ones: at a low temperature it must guess where it is unsure.", False, "A low temperature takes chance out of drawing. It is not more wrong, only more alike."),
    ("The same 6, since temperature changes style and nothing else.", False, "Some of the 6 were drawn although another command was likelier. Those go."),
)  # fmt: skip
