"""Back up an MLflow server's books (its SQLite file and its artifacts) while it works, and restore them when it does not.

python -m labsupport.tracking.backup save BOOKS BACKUP
python -m labsupport.tracking.backup restore BACKUP BOOKS [URL]

With the URL of the server that keeps these books, a restore is refused as long as it answers.
"""

import contextlib
import http.client
import shutil
import sqlite3
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

DATABASE, ARTIFACTS = "mlflow.db", "artifacts"
# What SQLite keeps beside a database at work, and applies to whatever database has that name later.
BESIDE = ("-journal", "-wal", "-shm")
# A Service takes a moment to forget its last pod: who asks meanwhile is neither answered nor refused.
PAUSES_S = (0.0, 1.0, 1.0)


class BackupError(RuntimeError):
    """The books are as they were, unless the text says otherwise; it says why, and what to do."""


def save(books: Path, backup: Path) -> str:
    """Copy the books to `backup`, in place of an earlier copy, and say what was copied. Raises BackupError.

    The database first: all artifacts that it names are there by then, and artifacts never change. Books that know less
    than the last copy are refused, because MLflow keeps the rows of what it deletes: something else has emptied them.
    """
    latest, before, copy = backup / "latest", backup / "before", backup / "unfinished"
    if before.exists() and not latest.exists():
        # The last back-up was killed between its last two steps.
        before.rename(latest)
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(parents=True)
    copy_database(books / DATABASE, copy / DATABASE)
    if (books / ARTIFACTS).exists():
        shutil.copytree(books / ARTIFACTS, copy / ARTIFACTS)
    said = contents(copy)
    if latest.exists() and (lost := _lost(latest, copy)):
        raise BackupError(
            f"The books know fewer {lost} than the last back-up, which is kept: {said}, and {contents(latest)} in {latest}. "
            "Restore it, or move it away if that is right."
        )
    # Only a complete copy replaces the one before, which goes last: there is a whole copy at any moment.
    if latest.exists():
        shutil.rmtree(before, ignore_errors=True)
        latest.rename(before)
    copy.rename(latest)
    shutil.rmtree(before, ignore_errors=True)
    return said


def restore(backup: Path, books: Path) -> str:
    """Copy a back-up to where a stopped server keeps its books, and say what is there now. Raises BackupError.

    A database that is there already is kept beside it as `mlflow.db.before`, with the journal of a killed server.
    """
    # `before` stands alone when a back-up was killed between its last two steps.
    latest = next((found for name in ("latest", "before") if (found := backup / name).exists()), None)
    if latest is None:
        raise BackupError(f"There is no back-up in {backup}: look whether a Job of the back-up has completed.")
    books.mkdir(parents=True, exist_ok=True)
    fresh = books / f"{DATABASE}.fresh"
    copy_database(latest / DATABASE, fresh)
    if (latest / ARTIFACTS).exists():
        shutil.copytree(latest / ARTIFACTS, books / ARTIFACTS, dirs_exist_ok=True)
    _set_aside(books)
    fresh.replace(books / DATABASE)
    if _rows(books) != _rows(latest):
        raise BackupError(
            f"The books now hold {contents(books)}, and the back-up {contents(latest)}: end whatever else writes to {books}, "
            "then restore again."
        )
    return contents(books)


def _set_aside(books: Path) -> None:
    """Rename the database, if there is one, and what SQLite keeps beside it."""
    there = (books / DATABASE).exists()
    for end in ("", *BESIDE):
        old, kept = books / f"{DATABASE}{end}", books / f"{DATABASE}.before{end}"
        if old.exists():
            old.replace(kept)
        elif there:
            # That of an earlier restore does not belong to the database that is `before` now.
            kept.unlink(missing_ok=True)


def refuse_under(url: str) -> None:
    """Raise BackupError unless the server at `url` is stopped, which is: its connections are refused.

    A server that runs would go on with the old file, and lose what it writes.
    """
    for pause_s in PAUSES_S:
        time.sleep(pause_s)
        try:
            _knock(url)
        except ConnectionRefusedError:
            return
        except (OSError, http.client.HTTPException, ValueError) as error:
            said = f"It can't be told whether the server at {url} is stopped ({error}): give its address, or none if it is."
        else:
            said = f"A server answers at {url}, and would go on with the old file: stop it first."
            break
    raise BackupError(f"{said} Nothing was changed.")


def _knock(url: str) -> None:
    """Return when a server answers, whatever it says; raises what came instead."""
    # Raises ValueError for a port above 65535, of which the system would knock at another one.
    _ = urllib.parse.urlsplit(url).port
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(url, timeout=5).close()
    except urllib.error.HTTPError:
        pass
    except urllib.error.URLError as error:
        raise (error.reason if isinstance(error.reason, OSError) else error) from None


def copy_database(source: Path, target: Path) -> None:
    """Copy an SQLite database as of one moment, whoever writes to it meanwhile. Raises BackupError for a missing one.

    Source: https://www.sqlite.org/backup.html
    """
    if not source.exists():
        raise BackupError(f"There is no database {source}: does the server keep its books there?")
    target.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(source)) as live, contextlib.closing(sqlite3.connect(target)) as copy:
        live.backup(copy)
        (verdict,) = copy.execute("pragma integrity_check").fetchone()
    if verdict != "ok":
        target.unlink()
        raise BackupError(
            f"The copy of {source} is damaged ({verdict}), so it was not kept: look at the database itself."
        )


def contents(books: Path) -> str:
    """Say how many runs, versions and stored models a folder of books holds."""
    rows, models = _rows(books), len(list((books / ARTIFACTS).rglob("MLmodel")))
    return f"{rows['runs']} runs, {rows['versions']} versions, {models} stored models"


def _rows(books: Path) -> dict[str, int]:
    with contextlib.closing(sqlite3.connect(books / DATABASE)) as database:
        return {
            name: int(database.execute(f"select count(*) from {table}").fetchone()[0])
            for name, table in {"runs": "runs", "versions": "model_versions"}.items()
        }


def _lost(before: Path, now: Path) -> str:
    were, are = _rows(before), _rows(now)
    return " and ".join(name for name in were if are[name] < were[name])


def main() -> None:
    """Do what the command line says, and print what came of it."""
    does = {"save": save, "restore": restore}
    words = sys.argv[1:]
    if words[:1] not in (["save"], ["restore"]) or len(words) not in (3, 4 if words[0] == "restore" else 3):
        sys.exit("Say: python -m labsupport.tracking.backup save|restore FROM TO [URL of the server, for a restore]")
    try:
        if len(words) == 4:
            refuse_under(words[3])
        print(f"{words[0]}d:", does[words[0]](Path(words[1]), Path(words[2])))
    except (BackupError, OSError, sqlite3.Error) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
