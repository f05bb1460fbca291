"""A program on a lifeline ends with who started it, and leaves no folder."""

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import psutil
import pytest

from labsupport import paths
from labsupport.cluster import waiting
from labsupport.errors import LabsError
from labsupport.serving import mlserver

# Says that it is there, then serves for ever; it ends by SIGTERM only after a word.
SERVER = """#!{python}
import signal, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
import json, pathlib
settings = json.loads(pathlib.Path(sys.argv[2], "settings.json").read_text())
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
def end(number, frame):
    pathlib.Path({told!r}).write_text("ended by SIGTERM"); sys.exit(0)
signal.signal(signal.SIGTERM, end)
HTTPServer(("127.0.0.1", settings["http_port"]), Handler).serve_forever()
"""
KERNEL = """
import sys
from functools import partial
from pathlib import Path
from labsupport.serving import mlserver
with mlserver.running(Path(sys.argv[1]), "a model") as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    file = tmp_path / "mlserver"
    file.write_text(SERVER.format(python=sys.executable, told=str(tmp_path / "told")))
    file.chmod(0o755)
    return file


@pytest.mark.parametrize("name", ["KILL", "TERM"])
def test_a_kernel_that_was_killed_leaves_neither_its_server_nor_its_folder(
    name: str, program: Path, tmp_path: Path
) -> None:
    (tmp_path / "tmp").mkdir()
    kernel = subprocess.Popen(
        [sys.executable, "-c", KERNEL, program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path / "tmp")},
        cwd=paths.PACKAGE.parent,
    )
    assert kernel.stdout is not None
    assert kernel.stdout.readline().startswith("http://127.0.0.1:")
    below = psutil.Process(kernel.pid).children(recursive=True)
    assert len(below) == 2, "the lifeline and the server"
    kernel.send_signal(getattr(signal, f"SIG{name}"))
    kernel.wait(60)
    assert psutil.wait_procs(below, timeout=60)[1] == []
    assert list((tmp_path / "tmp").iterdir()) == []


def test_at_the_end_of_the_block_the_server_is_asked_first(program: Path, tmp_path: Path) -> None:
    with mlserver.running(program, "a model") as url:
        assert url.startswith("http://127.0.0.1:")
    assert (tmp_path / "told").read_text() == "ended by SIGTERM"


def test_a_program_that_does_not_start_says_its_last_words(tmp_path: Path) -> None:
    program = tmp_path / "mlserver"
    program.write_text("#!/bin/sh\necho no such model >&2\nexit 3\n")
    program.chmod(0o755)
    with pytest.raises(LabsError, match="MLServer did not start: no such model Make its environment again"), mlserver.running(program, "a model"):  # fmt: skip
        raise AssertionError("never reached")


def has_files(folder: Path) -> bool:
    return any(folder.iterdir())


def test_the_folder_goes_while_a_program_writes_into_it(tmp_path: Path) -> None:
    writer = "import os, sys\nfolder = sys.argv[1]\nwhile True:\n    for i in range(200):\n        open(os.path.join(folder, str(i)), 'w').close()\n"
    for number in range(5):
        folder = tmp_path / str(number)
        folder.mkdir()
        held = subprocess.Popen(
            [sys.executable, "-m", "labsupport.lifeline", str(folder), sys.executable, "-c", writer, str(folder)],
            stdin=subprocess.PIPE,
            start_new_session=True,
            cwd=paths.PACKAGE.parent,
        )
        waiting.until(partial(has_files, folder), "it writes", 60)
        assert held.stdin is not None
        held.stdin.close()
        held.wait(60)
        assert not folder.exists()


@pytest.mark.parametrize(("last", "code"), [("exit 3", 3), ("kill -KILL $$", 137)])
def test_it_ends_as_its_program_ends(last: str, code: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "labsupport.lifeline", "", "sh", "-c", last],
        stdin=subprocess.PIPE,
        start_new_session=True,
        cwd=paths.PACKAGE.parent,
    ) as held:
        assert held.wait(60) == code
