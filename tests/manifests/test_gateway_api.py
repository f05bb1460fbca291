"""The kinds of the Gateway API in lab 611 are those of one version, and of the one that Traefik is built against."""

import re
from pathlib import Path

import pytest
import yaml

from labsupport.cluster.pocket.node import images
from tests.manifests import gateway_api

ITEMS = list(yaml.safe_load_all(gateway_api.FILE.read_text()))


def test_they_are_of_the_pinned_version() -> None:
    names = [item["metadata"]["name"].partition(".")[0] for item in ITEMS]
    versions = {item["metadata"]["annotations"]["gateway.networking.k8s.io/bundle-version"] for item in ITEMS}
    assert names == list(gateway_api.KINDS)
    assert versions == {gateway_api.VERSION}
    assert "Apache License 2.0" in gateway_api.FILE.read_text()


def test_each_kind_has_v1_and_the_version_that_it_is_stored_in() -> None:
    for item in ITEMS:
        versions = item["spec"]["versions"]
        assert "v1" in [version["name"] for version in versions]
        assert sum(version["storage"] for version in versions) == 1
        assert all(map(gateway_api.in_use, versions))


def test_traefik_is_built_against_that_version_and_is_the_one_of_the_manifest() -> None:
    program = images.which("traefik")
    if program is None:
        pytest.skip("traefik is not installed here: its wheel is for Linux on x86-64")
    with Path(program).open("rb") as file:
        content = file.read()
    built = re.findall(rb"dep\tsigs\.k8s\.io/gateway-api\t(v[\d.]+)\t", content)
    itself = re.findall(rb"mod\tgithub\.com/traefik/traefik/v3\t(v[\d.]+)\t", content)
    assert set(built) == {gateway_api.VERSION.encode()}
    manifest = (gateway_api.FILE.parent / "traefik.yaml").read_text()
    assert re.findall(r"image: traefik:(v[\d.]+)", manifest) == [itself[0].decode()]


def test_only_descriptions_are_left_out() -> None:
    schema = {
        "description": "words",
        "properties": {"description": {"type": "string", "description": "words"}, "a": {"enum": ["description"]}},
    }
    assert gateway_api.without_descriptions(schema) == {
        "properties": {"description": {"type": "string"}, "a": {"enum": ["description"]}}
    }
    assert [gateway_api.without_descriptions(item) for item in ITEMS] == ITEMS
