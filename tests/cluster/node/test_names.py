"""Names of Services and pods, and how they are found."""

import socket
from pathlib import Path

import pytest

from labsupport.cluster.pocket.node import names


def service(name: str, address: str | None = "127.96.0.7", namespace: str = "shop", **spec: object) -> dict:
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"clusterIP": address, **spec}}


def endpoints(service: str, *found: dict, namespace: str = "shop") -> dict:
    labels = {"kubernetes.io/service-name": service}
    return {"metadata": {"name": "x", "namespace": namespace, "labels": labels}, "endpoints": list(found)}


def endpoint(address: str, ready: bool = True, **fields: object) -> dict:
    return {"addresses": [address], "conditions": {"ready": ready}, **fields}


def test_service_has_its_own_address_and_not_those_of_its_pods() -> None:
    known = names.names_of([service("web")], [endpoints("web", endpoint("198.18.0.5"))])
    assert known == {"web.shop": ["127.96.0.7"]}


def test_headless_service_has_the_addresses_of_its_ready_pods() -> None:
    found = endpoints("db", endpoint("198.18.0.5"), endpoint("198.18.0.6", ready=False))
    assert names.names_of([service("db", "None")], [found]) == {"db.shop": ["127.18.0.5"]}


def test_pods_of_a_stateful_set_have_names_while_they_start() -> None:
    found = endpoints("db", endpoint("198.18.0.5", ready=False, hostname="db-0"))
    known = names.names_of([service("db", "None")], [found])
    assert known == {"db.shop": [], "db-0.db.shop": ["127.18.0.5"]}


def test_external_name_is_the_name_of_another_host() -> None:
    outside = service("store", None, type="ExternalName", externalName="files.example.com")
    assert names.names_of([outside], []) == {"store.shop": ["files.example.com"]}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    place = tmp_path / "hosts.json"
    names.publish({"web.shop": ["127.96.0.7"], "db.shop": [], "db-0.db.shop": ["127.18.0.5"]}, place)
    return place


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("web", ["127.96.0.7"]),
        ("Web.shop", ["127.96.0.7"]),
        ("web.shop.svc", ["127.96.0.7"]),
        ("web.shop.svc.cluster.local.", ["127.96.0.7"]),
        ("db-0.db", ["127.18.0.5"]),
        ("db", []),
        ("web.other", None),
        ("example.com", None),
    ],
)
def test_name_is_found_as_in_a_pod_of_the_namespace(file: Path, name: str, found: list[str] | None) -> None:
    assert names.resolve(name, file, "shop") == found


def test_short_name_means_nothing_in_another_namespace(file: Path) -> None:
    assert names.resolve("web", file) is None
    assert names.resolve("web.shop", file) == ["127.96.0.7"]


def test_without_a_cluster_no_name_is_known(tmp_path: Path) -> None:
    assert names.resolve("web.shop", tmp_path / "absent") is None


def test_notebook_finds_names_until_that_is_undone(file: Path) -> None:
    undo = names.install(file, "shop")
    try:
        assert socket.getaddrinfo("web", 80, type=socket.SOCK_STREAM)[0][4] == ("127.96.0.7", 80)
        assert socket.getaddrinfo("localhost", 80)
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo("db", 80)
    finally:
        undo()
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("web.shop.svc", 80)


def test_names_before_a_port_become_addresses_in_a_text_that_asks_for_it(tmp_path: Path) -> None:
    file = tmp_path / "hosts.json"
    names.publish({"web.shop": ["127.96.0.7"], "db.shop": ["127.96.0.8"]}, file)
    text = "targets: [web:8080, my-web:8080, http://db:5432/db:web]; job: web; x.web:1"
    assert names.filled(text, "web db", file, "shop") == (
        "targets: [127.96.0.7:8080, my-web:8080, http://127.96.0.8:5432/db:web]; job: web; x.web:1"
    )


def test_a_name_without_a_service_is_said(tmp_path: Path) -> None:
    names.publish({}, tmp_path / "hosts.json")
    with pytest.raises(ValueError, match="no Service web yet"):
        names.filled("web:80", "web", tmp_path / "hosts.json", "shop")
