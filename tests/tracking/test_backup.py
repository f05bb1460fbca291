"""Books are copied while somebody writes, completely or not at all, and come back where nothing is left."""

import contextlib
import socket
import sqlite3
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from labsupport.tracking import backup
from labsupport.tracking.backup import BackupError, restore, save


@pytest.fixture
def books(tmp_path: Path) -> Path:
    folder = tmp_path / "books"
    stored = folder / "artifacts" / "1" / "models"
    stored.mkdir(parents=True)
    (stored / "MLmodel").write_text("flavors: {}\n")
    with contextlib.closing(sqlite3.connect(folder / "mlflow.db")) as database:
        database.execute("create table runs (name text)")
        database.execute("create table model_versions (version text)")
        database.execute("insert into runs values ('first'), ('second')")
        database.execute("insert into model_versions values ('1')")
        database.commit()
    return folder


def add_run(books: Path) -> None:
    with contextlib.closing(sqlite3.connect(books / "mlflow.db")) as database:
        database.execute("insert into runs values ('later')")
        database.commit()


def test_books_come_back_to_an_empty_folder(books: Path, tmp_path: Path) -> None:
    assert save(books, tmp_path / "copy") == "2 runs, 1 versions, 1 stored models"
    empty = tmp_path / "empty"
    empty.mkdir()
    assert restore(tmp_path / "copy", empty) == "2 runs, 1 versions, 1 stored models"
    assert (empty / "artifacts" / "1" / "models" / "MLmodel").read_text() == "flavors: {}\n"


def test_a_writer_at_work_does_not_spoil_the_copy(books: Path, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(books / "mlflow.db", isolation_level=None)) as writer:
        writer.execute("pragma journal_mode = wal")
        writer.execute("insert into runs values ('committed')")
        writer.execute("begin")
        writer.execute("insert into runs values ('unfinished')")
        assert save(books, tmp_path / "copy").startswith("3 runs")


def test_a_later_copy_replaces_the_earlier_one(books: Path, tmp_path: Path) -> None:
    save(books, tmp_path / "copy")
    add_run(books)
    assert save(books, tmp_path / "copy").startswith("3 runs")
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["latest"]


def test_a_back_up_that_is_killed_at_its_last_steps_leaves_a_whole_copy(
    books: Path, tmp_path: Path, monkeypatch
) -> None:
    save(books, tmp_path / "copy")
    add_run(books)
    rename = Path.rename

    def killed(path: Path, target: Path) -> Path:
        if path.name == "unfinished":
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", killed)
    with pytest.raises(KeyboardInterrupt):
        save(books, tmp_path / "copy")
    monkeypatch.setattr(Path, "rename", rename)
    assert restore(tmp_path / "copy", tmp_path / "empty").startswith("2 runs")
    assert save(books, tmp_path / "copy").startswith("3 runs")
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["latest"]


def test_books_that_know_less_do_not_replace_the_last_copy(books: Path, tmp_path: Path) -> None:
    save(books, tmp_path / "copy")
    with contextlib.closing(sqlite3.connect(books / "mlflow.db")) as database:
        database.execute("delete from runs")
        database.commit()
    with pytest.raises(BackupError, match=r"fewer runs than .*: 0 runs, 1 versions, .* and 2 runs, 1 versions"):
        save(books, tmp_path / "copy")
    assert restore(tmp_path / "copy", books).startswith("2 runs")


def test_without_a_database_the_earlier_copy_stays(books: Path, tmp_path: Path) -> None:
    save(books, tmp_path / "copy")
    (books / "mlflow.db").unlink()
    with pytest.raises(BackupError, match="does the server keep its books there"):
        save(books, tmp_path / "copy")
    assert backup.contents(tmp_path / "copy" / "latest").startswith("2 runs")


def test_a_database_that_is_there_already_is_kept(books: Path, tmp_path: Path) -> None:
    save(books, tmp_path / "copy")
    add_run(books)
    assert restore(tmp_path / "copy", books).startswith("2 runs")
    with contextlib.closing(sqlite3.connect(books / "mlflow.db.before")) as before:
        assert before.execute("select count(*) from runs").fetchone() == (3,)


KILLED = """
import os, signal, sqlite3, sys
writer = sqlite3.connect(sys.argv[1], isolation_level=None)
writer.execute(f"pragma journal_mode = {sys.argv[2]}")
writer.execute("pragma cache_size = 1")
writer.executemany("insert into runs values (?)", [(500 * "x",)] * 200)
writer.execute("begin")
writer.execute("update runs set name = name || 'x'")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_what_a_killed_server_left_beside_its_database_does_not_come_into_the_restored_one(
    books: Path, tmp_path: Path, mode: str
) -> None:
    save(books, tmp_path / "copy")
    subprocess.run([sys.executable, "-c", KILLED, str(books / "mlflow.db"), mode], timeout=60)
    assert list(books.glob("mlflow.db-*"))
    assert restore(tmp_path / "copy", books).startswith("2 runs")
    assert not list(books.glob("mlflow.db-*"))
    with contextlib.closing(sqlite3.connect(books / "mlflow.db.before")) as before:
        assert before.execute("select count(*) from runs").fetchone() == (202,)
        assert before.execute("pragma integrity_check").fetchone() == ("ok",)


def test_the_journal_of_an_earlier_restore_is_not_kept_with_a_later_database(books: Path, tmp_path: Path) -> None:
    save(books, tmp_path / "copy")
    (books / "mlflow.db.before-journal").write_bytes(b"of another database")
    restore(tmp_path / "copy", books)
    assert not (books / "mlflow.db.before-journal").exists()


def test_restored_books_that_are_not_those_of_the_copy_are_named(books: Path, tmp_path: Path, monkeypatch) -> None:
    save(books, tmp_path / "copy")
    replace = Path.replace

    def written_meanwhile(path: Path, target: Path) -> Path:
        done = replace(path, target)
        if path.name.endswith(".fresh"):
            add_run(books)
        return done

    monkeypatch.setattr(Path, "replace", written_meanwhile)
    with pytest.raises(BackupError, match="now hold 3 runs, .* and the back-up 2 runs, .* restore again"):
        restore(tmp_path / "copy", books)


def test_a_damaged_copy_changes_nothing(books: Path, tmp_path: Path) -> None:
    save(books, tmp_path / "copy")
    (tmp_path / "copy" / "latest" / "mlflow.db").unlink()
    with pytest.raises(BackupError, match="There is no database"):
        restore(tmp_path / "copy", tmp_path / "empty")
    assert list((tmp_path / "empty").iterdir()) == []


def test_emptied_books_do_not_replace_the_copy_that_a_killed_back_up_left_alone(books: Path, tmp_path: Path) -> None:
    save(books, tmp_path / "copy")
    (tmp_path / "copy" / "latest").rename(tmp_path / "copy" / "before")
    with contextlib.closing(sqlite3.connect(books / "mlflow.db")) as database:
        database.execute("delete from runs")
        database.commit()
    with pytest.raises(BackupError, match="fewer runs than"):
        save(books, tmp_path / "copy")
    assert backup.contents(tmp_path / "copy" / "latest").startswith("2 runs")


def test_only_a_refused_connection_means_a_stopped_server(monkeypatch) -> None:
    monkeypatch.setattr(backup, "PAUSES_S", (0.0, 0.0))
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{mute.getsockname()[1]}"
        # Bound, and nobody listens.
        backup.refuse_under(f"http://{address}/health")
        for url in (address, "mlflow", "http://nobody.invalid:5000/health", "http://127.0.0.1:99999/"):
            with pytest.raises(BackupError, match="It can't be told .*Nothing was changed"):
                backup.refuse_under(url)


def test_who_is_neither_answered_nor_refused_asks_again(monkeypatch) -> None:
    monkeypatch.setattr(backup, "PAUSES_S", (0.0, 0.0))
    came = iter([ConnectionResetError(), ConnectionRefusedError()])

    def knock(url: str) -> None:
        raise next(came)

    monkeypatch.setattr(backup, "_knock", knock)
    backup.refuse_under("http://mlflow:5000/health")
    assert list(came) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["restore", "copy", "books"], "There is no back-up in copy"),
        (["save", "books", "copy"], "There is no database"),
        (["steal", "books", "copy"], "Say: python -m labsupport.tracking.backup"),
        ([], "Say: python -m labsupport.tracking.backup"),
    ],
)
def test_the_program_says_in_a_sentence_what_is_wrong(words: list[str], said: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "labsupport.tracking.backup", *words]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_restore_is_refused_while_a_server_answers(books: Path, tmp_path: Path) -> None:
    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503)
            self.end_headers()

        def log_message(self, *words: object) -> None:
            pass

    save(books, tmp_path / "copy")
    server = HTTPServer(("127.0.0.1", 0), Health)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/health"
    command = [sys.executable, "-m", "labsupport.tracking.backup", "restore", str(tmp_path / "copy"), str(books), url]
    add_run(books)
    try:
        refused = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        server.shutdown()
        server.server_close()
    assert refused.returncode == 1
    assert "A server answers" in refused.stderr
    assert backup.contents(books).startswith("3 runs")
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.startswith("restored: 2 runs")
