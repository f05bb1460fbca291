"""Where the control plane's programs come from, and what a bad network or a damaged file leads to."""

import hashlib
import io
import os
import re
import shutil
import socket
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from labsupport import variables
from labsupport.cluster import versions
from labsupport.cluster.pocket import controlplane, download, gobuild, programs
from labsupport.cluster.pocket.sources import Refused
from labsupport.errors import LabsError


def built_before() -> bool:
    """Tell whether this user's programs are a build with Go: then its cache makes another one quick."""
    source = programs.cache_folder() / "source.txt"
    return source.exists() and "Go" in source.read_text()


quick_build = pytest.mark.skipif(
    not (os.environ.get("LABS_NIGHTLY") or built_before()),
    reason="a first Go build takes minutes: make nightly, or labs cluster install, runs it",
)


@dataclass
class Mirror:
    """A web server of this test: its files, how many bytes it sends before it breaks off, and what was asked."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    break_after: list[int] = field(default_factory=list)
    asked: list[tuple[str, str | None]] = field(default_factory=list)


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    content = Mirror()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            content.asked.append((self.path, wanted))
            body = content.files.get(self.path)
            if body is None:
                self.send_error(404)
                return
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
            if wanted and start >= len(body):
                self.send_error(416)
                return
            self.send_response(206 if wanted else 200)
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            cut = content.break_after.pop(0) if content.break_after else len(body)
            self.wfile.write(body[start : start + cut])

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        content.url = f"http://127.0.0.1:{server.server_port}"
        yield content
        server.shutdown()


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv(programs.VARIABLE, raising=False)
    return tmp_path


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def ignore(*_: object) -> None:
    """Take progress and do nothing."""


def fake(version: str) -> bytes:
    return f"#!/bin/sh\necho version {version}\n".encode()


def publish(mirror: Mirror, monkeypatch: pytest.MonkeyPatch, version: str = versions.KUBERNETES) -> None:
    """Make the mirror an official release of programs that only know their version."""
    for name in ("KUBERNETES_URL", "KUBERNETES_SUM_URL", "ETCD_URL", "ETCD_SUM_URL"):
        path = getattr(versions, name).split("://")[1].partition("/")[2]
        monkeypatch.setattr(versions, name, f"{mirror.url}/{path}")
    architecture = programs.architecture()
    for program in ("kube-apiserver", "kube-controller-manager", "kube-scheduler"):
        path = f"/release/v{versions.KUBERNETES}/bin/linux/{architecture}/{program}"
        mirror.files[path] = fake(version)
        mirror.files[f"{path}.sha256"] = digest(fake(version)).encode()
    name = versions.ETCD_ARCHIVE.format(version=versions.ETCD, architecture=architecture)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as files:
        member = tarfile.TarInfo(f"{name.removesuffix('.tar.gz')}/etcd")
        member.size, member.mode = len(fake(versions.ETCD)), 0o755
        files.addfile(member, io.BytesIO(fake(versions.ETCD)))
    folder = f"/etcd-io/etcd/releases/download/v{versions.ETCD}"
    mirror.files[f"{folder}/{name}"] = archive.getvalue()
    mirror.files[f"{folder}/SHA256SUMS"] = f"{digest(archive.getvalue())}  {name}\n".encode()


def test_official_releases_are_installed_once_and_then_found_in_the_cache(
    mirror: Mirror, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(mirror, monkeypatch)
    said: list[str] = []
    found = programs.install(said.append, ignore)
    assert found.source == "official releases"
    assert programs.version_of(found.folder, "kube-scheduler") == versions.KUBERNETES
    assert programs.version_of(found.folder, "etcd") == versions.ETCD
    assert not list(found.folder.glob("*.part")) and not list(found.folder.glob("*.tar.gz"))
    assert said[0].startswith(f"{programs.VARIABLE}: no:") and said[1].startswith("cache: no:")
    mirror.asked.clear()
    assert programs.find() == found
    assert programs.install(ignore, ignore) == found
    assert mirror.asked == []


def test_broken_download_continues_where_it_broke_off(mirror: Mirror, tmp_path: Path) -> None:
    body = os.urandom(300_000)
    mirror.files["/file"], mirror.break_after = body, [100_000, 50_000]
    seen: list[int] = []
    download.fetch(f"{mirror.url}/file", tmp_path / "file", digest(body), lambda _, done, total: seen.append(done))
    assert (tmp_path / "file").read_bytes() == body
    ranges = [wanted for _, wanted in mirror.asked]
    assert ranges == [None, "bytes=100000-", "bytes=150000-"]
    assert seen == sorted(seen) and seen[-1] == len(body)


def test_download_that_was_complete_but_not_checked_is_not_fetched_again(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files["/file"] = b"content"
    (tmp_path / "file.part").write_bytes(b"content")
    download.fetch(f"{mirror.url}/file", tmp_path / "file", digest(b"content"), ignore)
    assert (tmp_path / "file").read_bytes() == b"content"


def test_damaged_download_is_refused_and_not_kept(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files["/file"] = b"something else"
    with pytest.raises(Refused, match="damaged"):
        download.fetch(f"{mirror.url}/file", tmp_path / "file", digest(b"content"), ignore)
    assert list(tmp_path.iterdir()) == []


def test_release_of_another_version_is_refused(
    mirror: Mirror, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(mirror, monkeypatch, version="1.2.3")
    monkeypatch.setattr(gobuild, "find_go", no_go)
    said: list[str] = []
    with pytest.raises(LabsError, match="No source has Kubernetes"):
        programs.install(said.append, ignore)
    assert any("says version 1.2.3" in line for line in said)
    with pytest.raises(LabsError, match="labs cluster install"):
        programs.find()


def no_go() -> str:
    raise Refused("no Go is installed")


def test_network_that_never_answers_is_recognised_within_seconds(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "FIRST_ANSWER", 0.5)
    monkeypatch.setattr(gobuild, "find_go", no_go)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(versions, "KUBERNETES_SUM_URL", f"http://127.0.0.1:{silent.getsockname()[1]}/sum")
        said: list[str] = []
        started = time.monotonic()
        with pytest.raises(LabsError, match=programs.VARIABLE):
            programs.install(said.append, ignore)
    assert time.monotonic() - started < 8
    assert [line.partition(":")[0] for line in said] == [
        programs.VARIABLE,
        "cache",
        "official releases",
        "build with Go",
    ]
    assert "can't be reached" in said[2]


def test_named_folder_without_the_programs_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(programs.VARIABLE, str(tmp_path))
    with pytest.raises(LabsError, match=re.escape(f"{tmp_path} lacks etcd, kube-apiserver")):
        programs.find()


def test_interrupted_installation_is_not_taken_for_a_whole_one(empty_cache: Path) -> None:
    folder = programs.cache_folder()
    folder.mkdir(parents=True)
    for name in controlplane.PROGRAMS:
        (folder / name).write_bytes(fake("1"))
        (folder / name).chmod(0o755)
    with pytest.raises(LabsError, match="incomplete"):
        programs.find()


def test_modules_of_the_go_build_are_the_pinned_versions() -> None:
    pinned = dict(re.findall(r"^\t(\S+) (v\S+)$", (gobuild.MODULE / "go.mod").read_text(), re.MULTILINE))
    assert pinned["k8s.io/kubernetes"] == f"v{versions.KUBERNETES}"
    assert pinned["go.etcd.io/etcd/server/v3"] == f"v{versions.ETCD}"
    minor = versions.KUBERNETES.removeprefix("1.")
    staged = re.findall(
        r"^replace (k8s\.io/\S+) => \1 v0\.(\S+)$", (gobuild.MODULE / "go.mod").read_text(), re.MULTILINE
    )
    assert len(staged) > 20 and {version for _, version in staged} == {minor}


@pytest.mark.skipif(shutil.which("go") is None, reason="no Go is installed")
def test_go_modules_are_consistent_and_every_import_of_the_program_is_found() -> None:
    environment = variables.for_go()
    cached = subprocess.run(["go", "env", "GOMODCACHE"], capture_output=True, text=True, check=True).stdout.strip()
    if not (Path(cached) / "k8s.io" / f"kubernetes@v{versions.KUBERNETES}").exists():
        pytest.skip("Go's modules are not downloaded yet (0.8 GB): labs cluster install, or make nightly")
    for command in (["go", "mod", "verify"], ["go", "list", "-deps", "."], ["gofmt", "-e", "main.go"]):
        ended = subprocess.run(command, cwd=gobuild.MODULE, env=environment, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stderr
    assert ended.stdout == (gobuild.MODULE / "main.go").read_text()


@quick_build
@pytest.mark.timeout(1800)
@pytest.mark.skipif(shutil.which("go") is None, reason="no Go is installed")
def test_go_build_gives_programs_of_the_pinned_versions(tmp_path: Path) -> None:
    steps: dict[str, tuple[int, int]] = {}

    def progress(what: str, done: int, total: int) -> None:
        steps[what] = (done, total)

    started = time.monotonic()
    gobuild.build(tmp_path, progress)
    print(f"Go build: {time.monotonic() - started:.0f} s, {(tmp_path / gobuild.PROGRAM).stat().st_size / 1e6:.0f} MB")
    assert programs.version_of(tmp_path, "kube-apiserver") == versions.KUBERNETES
    assert programs.version_of(tmp_path, "kube-controller-manager") == versions.KUBERNETES
    assert programs.version_of(tmp_path, "kube-scheduler") == versions.KUBERNETES
    assert programs.version_of(tmp_path, "etcd") == versions.ETCD
    done, total = steps["building with Go"]
    assert done == total > 1000
