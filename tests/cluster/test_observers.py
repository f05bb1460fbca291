"""Where Prometheus and Alertmanager come from, source by source, and what is said when none has them."""

import hashlib
import io
import os
import shutil
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from labsupport import paths
from labsupport.cluster import versions
from labsupport.cluster.pocket import download, observers
from labsupport.cluster.pocket.node import images
from labsupport.cluster.pocket.sources import Refused
from labsupport.course import labs, runner, source
from labsupport.errors import LabsError

SCRIPT = b"#!/bin/sh\necho version\n"


def ignore(*_: object) -> None:
    """Take progress and do nothing."""


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache and a PATH without any of the programs."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "/bin:/usr/bin")
    monkeypatch.setattr(shutil, "which", lambda name, **_: None)
    monkeypatch.delenv(observers.VARIABLE, raising=False)
    return tmp_path


def filled(folder: Path, _: object) -> None:
    for program in observers.PROGRAMS:
        (folder / program).write_bytes(SCRIPT)


def refused(why: str) -> Callable[[Path, object], None]:
    def fill(folder: Path, _: object) -> None:
        raise Refused(why)

    return fill


def test_the_first_source_that_has_them_is_taken_and_the_others_are_told(empty, monkeypatch) -> None:
    monkeypatch.setattr(
        observers, "_SOURCES", {"one": refused("closed"), "two": filled, "three": refused("never asked")}
    )
    said: list[str] = []
    assert observers.install(said.append, ignore)
    assert said == ["one: no: closed.", f"two: yes, in {observers.cache_folder()}."]
    assert all(Path(observers.find(program)).parent == observers.cache_folder() for program in observers.PROGRAMS)
    said.clear()
    assert observers.install(said.append, ignore) and "two" not in said[0]


def test_without_a_source_nothing_is_there_and_the_way_out_is_said(empty, monkeypatch) -> None:
    monkeypatch.setattr(observers, "_SOURCES", {"one": refused("closed")})
    assert not observers.install(ignore, ignore)
    with pytest.raises(LabsError, match="labs cluster install"):
        observers.find("promtool")
    with pytest.raises(images.ImageError, match="labs cluster install"):
        images.find("prom/prometheus:v3.16.0")


def test_who_only_tests_waits_for_no_build_and_hears_why_not(empty, monkeypatch) -> None:
    built: list[Path] = []
    monkeypatch.setattr(observers, "built", lambda folder, _: built.append(folder))
    monkeypatch.setattr(observers, "_SOURCES", {"one": refused("closed"), "build": observers.built})
    with pytest.raises(LabsError, match=r"one: no: closed\. Try: labs cluster install"):
        observers.make()
    assert not built
    monkeypatch.setattr(observers, "_SOURCES", {"one": filled, "build": observers.built})
    observers.make()
    assert all(map(observers.which, observers.PROGRAMS)) and not built


def test_a_named_folder_without_a_program_is_told_by_its_name(empty, monkeypatch) -> None:
    monkeypatch.setenv(observers.VARIABLE, str(empty))
    with pytest.raises(LabsError, match=f"correct {observers.VARIABLE}"):
        observers.find("promtool")


def test_nothing_is_fetched_beside_a_folder_that_somebody_names(empty, monkeypatch) -> None:
    monkeypatch.setattr(observers, "_SOURCES", {"one": filled})
    monkeypatch.setenv(observers.VARIABLE, str(empty))
    with pytest.raises(LabsError, match=f"correct {observers.VARIABLE}"):
        observers.install(ignore, ignore)
    assert not observers.cache_folder().exists()


def test_a_lab_whose_programs_cannot_be_had_is_left_out_with_the_reason(empty, monkeypatch) -> None:
    monkeypatch.setattr(observers, "_SOURCES", {"one": refused("closed")})
    monkeypatch.setattr(labs, "why_not", lambda: None)
    lesson = source.read(source.find_sources(paths.sources())["609"])
    assert "one: no: closed" in runner.why_not([lesson])["609"]


def test_lists_of_packages_are_fetched_where_there_are_none(tmp_path, monkeypatch) -> None:
    asked: list[str] = []

    def run(command: list[str], folder: Path, more: object = None, strict: bool = True) -> str:
        asked.append(" ".join(command[:2]))
        if command[1] == "download":
            raise Refused("enough")
        return ""

    monkeypatch.setattr(shutil, "which", lambda name, **_: f"/usr/bin/{name}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(observers, "TEMPLATES", tmp_path)
    monkeypatch.setattr(observers, "_run", run)
    with pytest.raises(Refused, match="enough"):
        observers.packaged(tmp_path, ignore)
    assert asked == ["apt-cache show", "apt-get update", "apt-get download"]


def test_a_program_that_does_not_run_is_not_kept(empty, monkeypatch) -> None:
    def broken(folder: Path, _: object) -> None:
        filled(folder, _)
        (folder / "amtool").write_bytes(b"#!/bin/sh\necho no such machine >&2; exit 1\n")

    said: list[str] = []
    monkeypatch.setattr(observers, "_SOURCES", {"one": broken})
    assert not observers.install(said.append, ignore)
    assert said == ["one: no: amtool does not run: no such machine."]
    assert observers.which("prometheus") is None


def test_a_folder_that_somebody_names_wins(empty, monkeypatch) -> None:
    (empty / "mine").mkdir()
    filled(empty / "mine", None)
    for program in observers.PROGRAMS:
        (empty / "mine" / program).chmod(0o755)
    (empty / "mine" / "alertmanager").rename(empty / "mine" / "prometheus-alertmanager")
    monkeypatch.setenv(observers.VARIABLE, str(empty / "mine"))
    assert observers.find("promtool") == str(empty / "mine" / "promtool")
    assert images.find("prom/alertmanager:v0.35.0").entrypoint == (str(empty / "mine" / "prometheus-alertmanager"),)


def test_releases_are_checked_by_what_was_published(tmp_path, monkeypatch) -> None:
    sums, archives = {}, {}
    for project, programs in (("prometheus", ("prometheus", "promtool")), ("alertmanager", ("alertmanager", "amtool"))):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as files:
            for program in programs:
                member = tarfile.TarInfo(f"some-folder/{program}")
                member.size = len(SCRIPT)
                files.addfile(member, io.BytesIO(SCRIPT))
        version = {"prometheus": versions.PROMETHEUS, "alertmanager": versions.ALERTMANAGER}[project]
        name = f"{project}-{version}.linux-{observers._architecture()}.tar.gz"
        archives[name] = packed.getvalue()
        sums[project] = f"{hashlib.sha256(packed.getvalue()).hexdigest()}  {name}\n"

    def fetch(url: str, target: Path, digest: str, _: object) -> None:
        target.write_bytes(archives[url.rpartition("/")[2]])
        if download.sha256(target) != digest:
            raise Refused("damaged")

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(
        download, "text", lambda url: next(text for name, text in sums.items() if f"/{name}/releases/" in url)
    )
    monkeypatch.setattr(download, "fetch", fetch)
    observers.released(tmp_path, ignore)
    assert all(os.access(tmp_path / program, os.X_OK) for program in observers.PROGRAMS)
    sums["alertmanager"] = sums["alertmanager"].replace(sums["alertmanager"][:4], "0000")
    with pytest.raises(Refused, match="damaged"):
        observers.released(tmp_path, ignore)


def test_the_pins_of_the_build_are_those_of_the_releases() -> None:
    major, minor, patch = map(int, versions.PROMETHEUS.split("."))
    wanted = {"prometheus": f"v0.{major}{minor:02d}.{patch}", "alertmanager": f"v{versions.ALERTMANAGER}"}
    for project, version in wanted.items():
        assert f"github.com/prometheus/{project} {version}\n" in (observers.MODULES / project / "go.mod").read_text()
