"""JupyterLab as `labs lab` opens it: in its terminals, this environment's programs come first; the course has its style."""

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import websocket_connect

from labsupport.cluster import kubectl, waiting
from labsupport.course import jupyterlab

PROGRAMS = ("labs", "python", "kubectl")
START_SECONDS = 90


@pytest.mark.timeout(180)
def test_a_terminal_finds_the_programs_though_a_login_would_not_and_the_page_has_a_style(tmp_path: Path) -> None:
    (tmp_path / "notebooks" / "src").mkdir(parents=True)
    (tmp_path / "work").mkdir()
    home = tmp_path / "home"
    home.mkdir()
    # As /etc/profile does on Debian.
    (home / ".profile").write_text("PATH=/usr/bin:/bin\n")
    own = {"HOME": str(home), "SHELL": "/bin/bash", "LABS_COURSE": str(tmp_path), "LABS_HOME": str(tmp_path / "labs")}
    words = ["lab", "--", "--no-browser", "--ServerApp.port=0", "--IdentityProvider.token=t"]
    server = subprocess.Popen(
        [sys.executable, "-m", "labsupport.cli", *words],
        env=os.environ | own,
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        address = address_of(server)
        waiting.until(lambda: answers(address), "JupyterLab listens", START_SECONDS)
        found = asyncio.run(ask_a_terminal(address))
        page, style = (asyncio.run(fetch(address, path)) for path in ("lab", "custom/custom.css"))
    finally:
        server.terminate()
        server.communicate(timeout=30)
    here = Path(sys.executable).parent
    assert found == {"labs": str(here / "labs"), "python": str(here / "python"), "kubectl": kubectl.find()}
    assert "custom/custom.css" in page and "overflow-wrap" in style, "the style of the course is on the page"


@pytest.fixture
def overrides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    return tmp_path / "share" / "jupyter" / "lab" / "settings" / "overrides.json"


def test_its_settings_join_those_that_are_there(overrides: Path) -> None:
    jupyterlab.settle()
    assert json.loads(overrides.read_text()) == jupyterlab.SETTINGS
    notebook = "@jupyterlab/notebook-extension:tracker"
    own = {notebook: {"codeCellConfig": {"lineWrap": False}}, "somebody:else": {}}
    overrides.write_text(json.dumps(own))
    jupyterlab.settle()
    assert json.loads(overrides.read_text()) == jupyterlab.SETTINGS | own


@pytest.mark.parametrize("text", ["{", "[]"])
def test_settings_that_it_can_not_read_are_left_alone(overrides: Path, text: str) -> None:
    overrides.parent.mkdir(parents=True)
    overrides.write_text(text)
    jupyterlab.settle()
    assert overrides.read_text() == text


def test_jupyterlab_knows_each_of_its_settings() -> None:
    schemas = Path(sys.prefix) / "share" / "jupyter" / "lab" / "schemas"
    for plugin, values in jupyterlab.SETTINGS.items():
        extension, _, name = plugin.partition(":")
        known = json.loads((schemas / extension / f"{name}.json").read_text())["properties"]
        assert values.keys() <= known.keys()
    assert {"lineNumbers", "lineWrap"} == known["codeCellConfig"]["default"].keys()


def address_of(server: subprocess.Popen[str]) -> str:
    """Return the HOST:PORT that a JupyterLab says when it starts."""
    assert server.stderr is not None
    said = ""
    for line in server.stderr:
        said += line
        if started := re.search(r"http://(?:localhost|127\.0\.0\.1):(\d+)/lab", line):
            return f"127.0.0.1:{started[1]}"
    raise AssertionError(said)


def answers(address: str) -> bool:
    """Tell whether somebody listens there: JupyterLab says its address a moment before."""
    host, _, port = address.partition(":")
    with socket.socket() as client:
        return client.connect_ex((host, int(port))) == 0


async def fetch(address: str, path: str) -> str:
    """Return what JupyterLab answers."""
    made = HTTPRequest(f"http://{address}/{path}", headers={"Authorization": "token t"})
    return (await AsyncHTTPClient().fetch(made)).body.decode()


async def ask_a_terminal(address: str) -> dict[str, str]:
    """Return where a terminal of JupyterLab finds each program."""
    headers = {"Authorization": "token t"}
    async with asyncio.timeout(START_SECONDS):
        make = HTTPRequest(f"http://{address}/api/terminals", method="POST", body="", headers=headers)
        name = json.loads((await AsyncHTTPClient().fetch(make)).body)["name"]
        talk = HTTPRequest(f"ws://{address}/terminals/websocket/{name}", headers=headers)
        terminal = await websocket_connect(talk)
        # Single quotes keep what is typed apart from what is answered.
        line = "; ".join(f"echo 'at':{name}=$(command -v {name})=" for name in PROGRAMS)
        terminal.write_message(json.dumps(["stdin", f"{line}\r"]))
        said = ""
        found: dict[str, str] = {}
        while len(found) < len(PROGRAMS):
            message = await terminal.read_message()
            assert message is not None, said
            kind, *content = json.loads(message)
            said += str(content[0]) if kind == "stdout" else ""
            found = dict(re.findall(r"at:(\w+)=(/[^=\s]*)=", said))
        terminal.close()
    return found
