"""Variables are expanded and Services are told as a kubelet does."""

import pytest

from labsupport.cluster.pocket.node.variables import expand, service_variables


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$(A)", "1"),
        ("x$(A)$(B)y", "x12y"),
        ("$(C)", "$(C)"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$A ${A} $", "$A ${A} $"),
        ("$(A", "$(A"),
        ("$()", "$()"),
    ],
)
def test_known_names_are_expanded_and_others_stay(text: str, expected: str) -> None:
    assert expand(text, {"A": "1", "B": "2"}) == expected


def test_service_is_told_in_the_variables_of_docker_links() -> None:
    ports = [{"name": "http", "port": 8000, "protocol": "TCP"}, {"name": "grpc-web", "port": 9000, "protocol": "TCP"}]
    service = {"metadata": {"name": "my-web"}, "spec": {"clusterIP": "127.96.0.9", "ports": ports}}
    found = service_variables(service)
    assert found["MY_WEB_SERVICE_HOST"] == "127.96.0.9"
    assert found["MY_WEB_SERVICE_PORT"] == "8000"
    assert found["MY_WEB_SERVICE_PORT_GRPC_WEB"] == "9000"
    assert found["MY_WEB_PORT"] == "tcp://127.96.0.9:8000"
    assert found["MY_WEB_PORT_9000_TCP_ADDR"] == "127.96.0.9"


def test_headless_service_has_no_variables() -> None:
    assert service_variables({"metadata": {"name": "db"}, "spec": {"clusterIP": "None", "ports": []}}) == {}
