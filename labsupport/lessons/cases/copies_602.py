"""What 602.4 looks at: a living database and the copy that an answer made of it."""

import contextlib
import gc
import sqlite3
from pathlib import Path

from labsupport.exercises.outcomes import Fail

ROWS = 200  # that a night adds


def compare(database: Path, target: Path, committed: int, night: int) -> None:
    """Fail when the copy in `target` is not the `committed` rows of `database`, after the first or second night."""
    want = f"{committed} rows, all that were committed"
    if not database.exists():
        raise Fail("no database any more", "a copy beside it", "it was moved: the server would go on without its books")
    if _rows(database) != committed:
        cause = "the wrong direction: the live database was overwritten. The source stands before the dot"
        raise Fail("a live database that has lost its rows", "an untouched one", cause)
    if not target.exists():
        raise Fail(f"no file {target.name}", "a copy", "the copy belongs into the file `target`")
    # SQLite removes this second file when the last connection is closed.
    beside = Path(f"{target}-wal")
    if beside.exists():
        gc.collect()  # An answer that closes nothing leaves it to Python, which may do it later: that copy is whole.
    torn = beside.exists()
    found = _rows(target)
    if found == committed and torn:
        cause = (
            "file by file: what is written between two of them is in one only, and the copy is torn. Let SQLite copy"
        )
        raise Fail("copies of several files", "one copy, as of one moment", cause)
    if found == committed:
        return
    if found is None:
        cause = "a copy of the file alone lacks what is still in `mlflow.db-wal`. SQLite knows both: let it copy, by `backup`"
        raise Fail("a copy without the table `runs`, or one that is no database", want, cause)
    cause = "rows are missing: let SQLite copy, by the `backup` of its connection"
    if night == 2 and found == ROWS:
        cause = "this is last night's copy: `target` may be there already, and must be replaced"
    elif found > committed:
        cause = "more rows than were committed: the second copy was added to the first"
        if found == committed + 1:
            cause = "a row is there that was never committed"
    raise Fail(f"a copy with {found} rows", want, cause)


def _rows(path: Path) -> int | None:
    try:
        with contextlib.closing(sqlite3.connect(path)) as database:
            return int(database.execute("select count(*) from runs").fetchone()[0])
    except sqlite3.Error:
        return None
