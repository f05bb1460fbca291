"""Lesson 503, versioned data: checkers, hints, guesses and quiz."""

import builtins
import hashlib
import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from labsupport.errors import LabsError
from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail
from labsupport.exercises.refute import Measured, OutsideRules

if TYPE_CHECKING:
    import pandas as pd

exercises = Exercises("503")

exercises.guess("g1", "The rows of Monday's table that are different on Tuesday", unit="rows")
exercises.guess("g2", "Held by Tuesday's model when `hold_from` is 0.05 instead of 0.1", unit="% of the judged deploys")
exercises.guess("g3", "`dvc checkout` or `dvc status` says something of the flipped bit")


@exercises.check(
    "1",
    "A version of a folder",
    hints=(
        "Hash each file by itself: then no byte can wander from one file to the next. What else belongs to a folder?",
        "A listing of paths with their hashes says all. It must come in one order, whatever order the files came in.",
        "Sort the pairs (path, hash of its content), make one text of them, such as `repr(pairs)`, and hash that.",
    ),
    minutes=6,
)
def version(answer: Guarded) -> str:
    """Compare pairs of folders, equal and different ones, among them empty, swapped, renamed and joined files."""
    name_of = expect.function(answer)
    for what, one, other, same, cause in _folders():
        names = [_name(name_of(files)) for files in (one, other)]
        if same and names[0] != names[1]:
            raise Fail(f"two names for {what}", "one name", cause)
        if not same and names[0] == names[1]:
            raise Fail(f"one name for {what}", "two names", cause)
    large = {"a.csv": bytes(range(256)) * 40, "b.csv": b"1,2,3"}
    name = _name(name_of(large))
    if len(name) > 200:
        raise Fail(
            f"a name of {len(name):,} characters",
            "a short one, whatever the content",
            "the content stands in the name: hash the listing",
        )
    with _as_tomorrow():
        tomorrow = _name(name_of(large))
    if name != tomorrow:
        raise Fail(
            f"`{name}`", "the same name tomorrow", "Python's `hash` is salted anew in each process: take hashlib"
        )
    return "The same name for the same folder, another one for each change."


def _name(given: Any) -> str:
    expect.returned(given, "a name, a text")
    if isinstance(given, str):
        return given
    cause = (
        "`.hexdigest()` makes a text of a hash"
        if "hash" in type(given).__name__.lower() or isinstance(given, bytes)
        else "a name is one text: hash the listing, or join it first"
    )
    raise Fail(f"a {type(given).__name__}", "a name, a text", cause)


@contextmanager
def _as_tomorrow() -> Iterator[None]:
    """Let Python's `hash` give other numbers, as it does in another process."""
    todays = builtins.hash
    builtins.hash = lambda value: todays((value, "tomorrow"))
    try:
        yield
    finally:
        builtins.hash = todays


# What learners put between a path and a content, and between two files.
BORDERS = (b"", b"\0", b"\n", b"\r\n", b"\t", b" ", b",", b", ", b";", b":", b": ", b"::", b"|", b"/", b"=", b"-", b"_", b"#")  # fmt: skip


def _folders() -> list[tuple[str, dict[str, bytes], dict[str, bytes], bool, str]]:
    base = {"b.csv": b"3,4", "a.csv": b"1,2", "sub/c.csv": b"1,2"}
    turned = dict(reversed(base.items()))
    return [
        ("the same files, listed in another order", base, turned, True, "sort by path before you hash: the order of a listing is chance"),
        ("the same folder, asked twice", base, dict(base), True, "something besides paths and content is in the name, such as a time or a random number"),
        ("a folder in which one byte changed", base, base | {"a.csv": b"1,3"}, False, "is the content of every file in the name?"),
        ("a folder in which the file that is last by name changed", base, base | {"sub/c.csv": b"9"}, False, "is the content of every file in the name, or of the first one only?"),
        ("a file that was renamed", base, {"b.csv": b"3,4", "z.csv": b"1,2", "sub/c.csv": b"1,2"}, False, "paths belong to the folder: a step that reads a.csv finds none"),
        ("two files that swapped their content", base, base | {"a.csv": b"3,4", "b.csv": b"1,2"}, False, "paths and hashes are sorted apart from each other: keep each path beside its own hash"),
        ("files between which bytes moved", {"a": b"1,2", "b": b"3"}, {"a": b"1", "b": b",23"}, False, "contents that are joined have no border: hash each file by itself"),
        ("a path and a content between which bytes moved", {"a": b"bc"}, {"ab": b"c"}, False, "path and content that are joined have no border: hash the content first"),
        ("two copies instead of one file", {"a": b"1"}, {"a": b"1", "b": b"1"}, False, "equal contents were counted once: each path is a file"),
        ("two pairs of equal files", {"a": b"1", "b": b"1"}, {"a": b"2", "b": b"2"}, False, "equal hashes cancel each other: make one text of them, don't combine numbers"),
        ("an empty file instead of none", {}, {"a": b""}, False, "an empty file is a file: its path belongs to the listing"),
        ("a path with another capital letter", {"A.csv": b"1"}, {"a.csv": b"1"}, False, "A.csv and a.csv are two files: take a path as it is"),
        ("a file that was moved to another folder", {"x/a": b"1"}, {"y/a": b"1"}, False, "the whole path belongs to a file, not its last part alone"),
        ("a file that got a line end", {"a": b"1"}, {"a": b"1\n"}, False, "each byte counts, white space too: hash a content as it is"),
        *(
            (f"two files and one that holds {one['a']!r}", one, {"a": b"1", "b": b"2"}, False, "a separator may stand in a content: hash each content first")
            for one in ({"a": b"1" + after + b"b" + inside + b"2"} for after, inside in itertools.product(BORDERS, BORDERS))
        ),
    ]  # fmt: skip


@exercises.check(
    "2",
    "Which rows changed",
    hints=(
        'Bring both versions to the same ids in the same order first: `set_index("deploy_id")`, then `.loc[both]`.',
        "`old != new` is true where both have a gap, because nan equals nothing: take those out with `isna()` of both.",
        "`differ = (old != new) & ~(old.isna() & new.isna())`, and a row changed if any column did: `both[differ.any(axis=1)]`.",
    ),
    minutes=7,
)
def changed(answer: Guarded) -> str:
    """Compare versions with other orders, gaps, new and gone rows, and a row that changed twice."""
    find = expect.function(answer)
    for what, before, after, want, cause in _versions():
        given = expect.returned(find(before, after), "a list of deploy_ids")
        if isinstance(given, Mapping) or hasattr(given, "columns"):
            raise Fail(f"a {type(given).__name__}", "a list of deploy_ids", "return the ids, not the rows")
        if not hasattr(given, "__len__"):
            raise Fail(
                f"a {type(given).__name__}", "a list of deploy_ids", "make a list of it: the next cells count it"
            )
        if len(given) and all(str(value) in ("True", "False") for value in given):
            raise Fail(
                "a truth value for each row", "a list of deploy_ids", "return the ids where it is true: `both[...]`"
            )
        saw = expect.names(given)
        if saw != want:
            raise Fail(f"{_listed(saw)}, where {what}", _listed(want), cause)
        if len(given) != len(want):
            raise Fail(
                f"{len(given)} entries for {len(want)} ids, where {what}",
                "each id once",
                "a row in which two values changed is one row",
            )
    return "Right for gaps, another order, new rows, and rows that are gone."


def _listed(ids: set[str]) -> str:
    return ", ".join(sorted(ids)) or "no ids"


def _versions() -> "list[tuple[str, pd.DataFrame, pd.DataFrame, set[str], str]]":
    import pandas as pd

    nan = float("nan")
    old = pd.DataFrame(
        {
            "deploy_id": [f"d-{number}" for number in range(6)],
            "team": ["web", "web", "search", None, "web", "search"],
            "lines": [10, 20, 30, 40, 50, 60],
            "coverage": [0.5, nan, 0.7, nan, 0.9, 0.4],
            "failed": [False, True, False, True, True, False],
        }
    )
    new = old.copy()
    mixed = old.iloc[[3, 0, 5, 1, 4, 2]]
    more = pd.concat([old, old.assign(deploy_id=[f"d-{number}" for number in range(6, 12)])], ignore_index=True)
    zeros = old.assign(coverage=[0.5, 0.0, 0.7, nan, 0.9, 0.4])
    filled = old.assign(coverage=[0.5, 0.6, 0.7, nan, 0.9, 0.4])
    emptied = old.assign(coverage=[nan, nan, 0.7, nan, 0.9, 0.4])
    flipped = mixed.assign(failed=mixed["failed"].where(mixed["deploy_id"] != "d-4", False).astype(bool))
    twice = old.assign(lines=[10, 21, 30, 40, 50, 60], failed=[False, False, False, True, True, False])
    renamed = old.assign(team=old["team"].where(old.index != 2, "payments"))
    key, gap = (
        "match rows by deploy_id, not by their place",
        "nan is not equal to nan: a gap that is still a gap is no change",
    )
    return [
        ("nothing changed, gaps included", old, new, set(), gap),
        ("the rows came in another order", old, mixed, set(), key),
        ("six rows are new", old, more, set(), "a new row has no version before: only ids that both have can change"),
        ("two rows are gone", old, old.iloc[2:], set(), "a row that is gone is not there to compare: only ids that both have count"),
        ("two values of a row changed", old, twice, {"d-1"}, "is every column compared, and a row reported when *any* of them changed?"),
        ("a gap was filled", old, filled, {"d-1"}, "a gap that was filled is a change: leave out only those cells in which both have a gap"),
        ("a gap was filled with 0", old, zeros, {"d-1"}, "`fillna` makes a gap and a 0 the same: ask for gaps by `isna()`"),
        ("a value became a gap", old, emptied, {"d-0"}, "a value that became a gap is a change: leave out only those cells in which both have a gap"),
        ("one outcome changed, in another order", old, flipped, {"d-4"}, key),
        ("a team changed", old, renamed, {"d-2"}, "is every column compared, texts as well?"),
        ("one outcome changed, rows are new and gone", more.iloc[3:], flipped, {"d-4"}, key),
        ("the frames have the ids as they were chosen from a larger one", mixed, twice.iloc[::-1], {"d-1"}, key),
    ]  # fmt: skip


VERDICTS = ("safe", "push", "lost")


@exercises.check(
    "3",
    "Which versions can be had",
    hints=(
        "First make two sets: the hashes with a healthy copy in the remote, and those with one here.",
        "A commit is as good as its worst file. Which of its hashes lack a healthy copy in the remote? And which of those here?",
        "`missing = set(names) - there`: nothing missing is safe, `missing - here` not empty is lost, the rest is push.",
    ),
    minutes=7,
)
def audit(answer: Guarded) -> str:
    """Judge commits whose files are healthy, damaged, missing, shared, mixed, or none."""
    judge = expect.function(answer)
    names = [hashlib.md5(bytes([number])).hexdigest() for number in range(6)]
    good = {name: bytes([number]) for number, name in enumerate(names)}
    a, b, c, d, e, f = names
    damaged = {a: b"?"}
    there = "what the remote has healthy needs no copy here: only what it lacks must be in the cache"
    cases: list[tuple[str, dict[str, list[str]], dict[str, bytes], dict[str, bytes], dict[str, str], str]] = [
        ("the remote has all of it", {"one": [a, b]}, {a: good[a], b: good[b]}, {}, {"one": "safe"}, "what the remote has healthy needs no cache"),
        ("one file of two was pushed", {"one": [a, b]}, {a: good[a]}, {b: good[b]}, {"one": "push"}, "all of its files must be in the remote, not just any"),
        ("one file is nowhere", {"one": [a, b]}, {a: good[a]}, {a: good[a]}, {"one": "lost"}, "one file without any copy is enough to lose a version"),
        ("one file is here, another nowhere", {"one": [a, b, c]}, {a: good[a]}, {b: good[b]}, {"one": "lost"}, "a push of one file does not bring the other: look at every missing file"),
        ("the remote's copy is damaged, the cache's is healthy", {"one": [a, b]}, damaged | {b: good[b]}, {a: good[a]}, {"one": "push"}, "a copy in the remote counts only if its content has the hash"),
        ("the cache's copy is damaged", {"one": [a]}, {}, damaged, {"one": "lost"}, "a copy in the cache counts only if its content has the hash"),
        ("both copies are damaged", {"one": [a]}, damaged, damaged, {"one": "lost"}, "two damaged copies are none"),
        ("the cache's copy is damaged, the remote's is healthy", {"one": [a]}, {a: good[a]}, damaged, {"one": "safe"}, "what the remote has healthy needs no cache"),
        ("the cache has files that nobody asks for", {"one": [a]}, {}, {a: good[a], f: b"?"}, {"one": "push"}, "only the commit's own files decide"),
        ("three commits share files", {"one": [a, b], "two": [a, c], "three": [c, d]}, {a: good[a], b: good[b]}, {c: good[c]}, {"one": "safe", "two": "push", "three": "lost"}, "each commit is judged by its own files"),
        ("a commit has no files yet", {"one": [], "two": [e]}, {}, {}, {"one": "safe", "two": "lost"}, "a commit without files lacks nothing"),
        ("a file is listed twice", {"one": [a, a]}, {a: good[a]}, {}, {"one": "safe"}, "the same hash is one file"),
        ("a lost file stands before one that is here", {"one": [c, b]}, {}, {b: good[b]}, {"one": "lost"}, "a later file can't make up for a lost one"),
        ("the remote has one file healthy, and the cache has it damaged and the other healthy", {"one": [a, b]}, {a: good[a]}, {a: b"?", b: good[b]}, {"one": "push"}, there),
    ]  # fmt: skip
    for what, commits, remote, cache, want, cause in cases:
        given = expect.returned(judge(commits, remote, cache), "a dictionary from commit to verdict")
        if not isinstance(given, Mapping):
            raise Fail(
                f"a {type(given).__name__}",
                "a dictionary from commit to verdict",
                "return all verdicts, by the commit's name",
            )
        odd = [word for word in given.values() if not isinstance(word, str) or word not in VERDICTS]
        if odd:
            raise Fail(
                f"the verdict {odd[0]!r:.30}", 'one of "safe", "push", "lost"', "another word, or a truth value?"
            )
        if dict(given) != want:
            saw = ", ".join(f"{commit}: {word}" for commit, word in given.items()) or "no verdict"
            right = ", ".join(f"{commit}: {word}" for commit, word in want.items())
            if (
                list(want.values()) == ["push"]
                and list(given.values()) == ["lost"]
                and remote
                and not damaged.items() & remote.items()
            ):
                cause = there
            raise Fail(f"{saw}, where {what}", right, cause)
    return "Right for pushed, unpushed, damaged, shared and missing files."


@exercises.refute(
    "4",
    "What `dvc repro` skips would have come out the same",
    case="a triple of texts: a file's name, a text in it, and what replaces it",
    hints=(
        "DVC skips a step when nothing that the step *declares* has changed. What do the steps read that they don't declare?",
        "Compare the `deps` in dvc.yaml with the lines of the scripts that read or import something.",
        "Two steps import a file that no step declares. Change there what the model sees.",
    ),
    minutes=6,
    seconds=30.0,
)
def skipped_is_the_same(case: Any) -> Measured:
    """Edit a copy of the repository; where DVC would skip every step, run all of them with and without the edit."""
    from labsupport.data.edits import EDITABLE, after_edit

    if not isinstance(case, list | tuple) or len(case) != 3 or not all(isinstance(part, str) for part in case):
        raise OutsideRules('a case is a triple such as ("params.yaml", "C: 1.0", "C: 0.1")')
    name, old, new = case
    if name not in EDITABLE:
        raise OutsideRules(f"there is no file {name[:40]!r} to edit; there are {', '.join(EDITABLE)}")
    try:
        edited = after_edit(name, old, new)
    except ValueError as error:
        raise OutsideRules(str(error)) from None
    except LabsError as error:
        raise OutsideRules(f"after the edit {error}") from None
    if edited.first:
        seen = f"DVC would not skip it: it sees the change and runs {edited.first}"
        return Measured(True, seen, f"what does {edited.first} read that dvc.yaml does not list under it?")
    if edited.before == edited.after:
        same = "DVC would skip everything, and everything comes out the same"
        return Measured(True, same, "right file: which line of it changes a number that the model sees?")
    was, now = (text.splitlines()[0] for text in (edited.before, edited.after))
    came = "gives the same metrics from another model.json" if was == now else f"turns {was} into {now}"
    return Measured(
        False, f"DVC would skip every step; by force, on the check's small table (100 deploys a day), it {came}"
    )


exercises.quiz(
    "a",
    "Another night: the metric jumped. `git diff` shows a new pointer of the table, dvc.lock and metrics.json. The row diff: 300 new rows, none changed, none gone. Which step tells most about the cause?",
    ("Compare the new rows with older ones, column by column: what differs most is the cause.", False, "Something always differs most. On our Tuesday 300 rows were new, too, and without them nothing moved."),
    ("Train at that commit without the new rows, and see whether the metric comes back.", True, "They are all that git and DVC saw differ. If it comes back, they are the cause; if not, something is not versioned."),
    ("Look at the libraries: with code and past untouched, the environment is all that is left.", False, "New rows are data. The environment is the next suspect, if the metric stays down without them."),
    ("Roll the table back to the day before, and see whether the next night is quiet.", False, "It may end the damage, but a night later there are other rows again: a quiet night acquits and convicts nobody."),
)  # fmt: skip
exercises.quiz(
    "b",
    "In a clean clone, `dvc repro` gives another hash for the model, and yet another one when forced again. The metric agrees to three digits. Git is clean, all sources were pulled. Where do you look first?",
    ("At the remote: it may have delivered another table than the one that was pushed.", False, "The table's hash stands in the pointer and in dvc.lock, and a table that is wrong would be wrong in the same way twice."),
    ("At params.yaml: somebody has probably trained with other parameters back then.", False, "Git is clean, so the parameters are those of the commit. And they don't change between two runs."),
    ("At what the training takes that is no file and no parameter: seed, threads, clock.", True, "Two runs on one machine from the same bytes differ, so something enters that nobody declared. A fixed seed is a parameter."),
    ("At the versions of the libraries on the two machines, which are never quite the same.", False, "They explain a difference between machines. Here the same machine differs from itself."),
)  # fmt: skip
exercises.quiz(
    "c",
    "The audit says `lost`: a commit's `model.json` is in no store. You check the commit out, pull, run `dvc repro`: rows.csv has the hash of dvc.lock, model.json another one. It is the model that decided for a month. What do you do?",
    ("Keep the commit, its model marked as lost; the new model becomes a version of its own.", True, "The same rows gave other bytes, so something was not versioned, libraries first of all. Until that is known, nobody can say how near the two are."),
    ("Commit the new dvc.lock and move the tag to it: then name and content agree again.", False, "They agree about a model that never decided anything. The tag's promise was the old one."),
    ("`dvc push`: from the same rows and parameters it is the same model, whatever its hash.", False, "The push stores it under its own hash, and the commit asks for the other one. And the same model has the same hash."),
    ("Pull the tables once more with `verify`: one of them must have arrived damaged.", False, "rows.csv came out with the right hash, so the table that it was made from is right."),
)  # fmt: skip
exercises.quiz(
    "d",
    "A customer's rows must be deleted from everything, by law. The table has 200 versions in git's history, and a remote. Which step does the job, as far as this repository goes?",
    ("Remove the rows from the table, `dvc add`, commit and push: the newest version is clean.", False, "199 older versions still hold them, in the remote and in caches, and each can be pulled by its hash."),
    ("Rewrite git's history, so that no commit names the old hashes any more.", False, "The names are gone, the content lies in the remote as before. You have lost the list of what to delete."),
    ("With the cleaned table committed, run `dvc gc --workspace --cloud`: only the present version stays in the remote.", False, "It takes every other version out of the remote, also those without these rows, and other machines' caches keep theirs."),
    ("Delete each version with such rows from remote and caches; its commits then stay without data.", True, "Content goes where it lies, by its hash, and the old commits can't be reproduced any more. Keep personal data out of versions from the start."),
)  # fmt: skip
