"""A package index behind a certificate of a company's own authority: a proxy that inspects TLS shows such a one."""

import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from labsupport import bootstrap, indexes
from tests.authority import Authority, behind_tls

# Each variable alone is enough for both installers; None: the authority is one of the system's.
SAID = ["PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "ca")


@pytest.fixture
def index(tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an index with one wheel, and nobody's settings."""
    for name in os.environ:
        if name.startswith(("PIP_", "UV_")) or "CERT" in name or name.endswith("_CA_BUNDLE") or "proxy" in name.lower():
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    folder = tmp_path / "index" / "simple" / "thing"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "thing-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("thing.py", "")
        wheel.writestr("thing-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: thing\nVersion: 1\n")
        wheel.writestr("thing-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("thing-1.dist-info/RECORD", "")
    (folder / "index.html").write_text('<a href="thing-1-py3-none-any.whl">thing-1-py3-none-any.whl</a>')
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "index"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.socket = behind_tls(authority).wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    address = f"https://127.0.0.1:{server.server_port}/simple"
    monkeypatch.setenv("PIP_INDEX_URL", address)
    try:
        yield address
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def installers(target: Path) -> list[list[str]]:
    uv = Path(sys.executable).parent / "uv"
    assert uv.exists(), "the set-up installs uv"
    return [
        [sys.executable, "-m", "pip", "install", "--no-cache-dir", "--retries=0", "--target", str(target / "pip"), "thing"],
        [str(uv), "pip", "install", "--no-cache", "--python", sys.executable, "--target", str(target / "uv"), "thing"],
    ]  # fmt: skip


@pytest.mark.parametrize("name", SAID)
def test_both_installers_trust_what_one_variable_names(
    name: str, index: str, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, str(authority.file))
    environment = indexes.for_installer(sys.executable)
    for command in installers(tmp_path):
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=100)
        assert done.returncode == 0, done.stderr


def test_uv_trusts_the_systems_authorities_as_pip_does(
    index: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert indexes.for_installer(sys.executable)["UV_SYSTEM_CERTS"] == "1"
    monkeypatch.setenv("SSL_CERT_FILE", "/company/ca.pem")
    assert "UV_SYSTEM_CERTS" not in indexes.for_installer(sys.executable)


@pytest.mark.parametrize("position", [0, 1], ids=["pip", "uv"])
def test_an_unknown_authority_is_named_as_what_it_is(
    position: int, index: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "LOG", str(tmp_path / "setup.log"))
    command = installers(tmp_path)[position]
    with pytest.raises(bootstrap.SetupError, match="certificate is not trusted here.*PIP_CERT"):
        bootstrap._step("3/4 libraries", command, indexes.for_installer(sys.executable))
