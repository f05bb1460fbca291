"""Two pocket clusters at once on one machine: each has addresses of its own, and its pods meet nobody of the other."""

import ipaddress
import json
import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from labsupport.cluster import waiting
from labsupport.cluster.pocket import certificates, layout, service_range
from labsupport.cluster.pocket.layout import Layout
from labsupport.cluster.pocket.runtime import PocketCluster
from labsupport.errors import LabsError

# Answers each connection with one line.
SAY = """
import socketserver, sys
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(sys.argv[1].encode() + b"\\n")
socketserver.ThreadingTCPServer(("0.0.0.0", 8000), Handler).serve_forever()
"""
# Asks the API server for the ConfigMap `whose`, at each address that it has for pods, and the Service `web` for its word.
ASK = """
import json, os, pathlib, socket, ssl, sys, urllib.request
account = pathlib.Path("/var/run/secrets/kubernetes.io/serviceaccount")
rights = {"Authorization": "Bearer " + (account / "token").read_text()}
trusted = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=str(account / "ca.crt")))
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), trusted)
named = os.environ["KUBERNETES_SERVICE_HOST"] + ":" + os.environ["KUBERNETES_SERVICE_PORT"]
for host in [named, *sys.argv[1:]]:
    url = f"https://{host}/api/v1/namespaces/default/configmaps/whose"
    with opener.open(urllib.request.Request(url, headers=rights), timeout=10) as answer:
        print(json.load(answer)["data"]["name"], flush=True)
with socket.create_connection(("web", 8000), timeout=10) as connection:
    print(connection.makefile().readline().strip(), flush=True)
"""


def pod(name: str, code: str, *arguments: str, **spec: object) -> dict:
    main = {"name": "main", "image": "labs-serve:dev", "command": ["python", "-c", code, *arguments]}
    body = {"containers": [main], "terminationGracePeriodSeconds": 0, **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": body}


def fill(cluster: PocketCluster, name: str) -> None:
    """Give a cluster a ConfigMap and a server that say whose they are, and a pod that asks both."""
    cluster.kubectl("create", "clusterrolebinding", "pods", "--clusterrole=view", "--serviceaccount=default:default")
    # Below 1024 only the superuser's programs listen, so only theirs have the Service's own port.
    services = ["kubernetes.default.svc"] if os.geteuid() == 0 else []
    server = pod("web", SAY, name)
    server["spec"]["containers"][0]["readinessProbe"] = {"tcpSocket": {"port": 8000}, "periodSeconds": 1}
    items = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "whose"}, "data": {"name": name}},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web"},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 8000}]},
        },
        server,
    ]
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    waiting.wait_for(cluster, "pod/web", "Ready", timeout=60)
    with cluster.reach("web", 8000) as url:
        host, port = url.removeprefix("http://").split(":")
        # The node learns of the endpoints a moment after the pod is ready.
        waiting.until(lambda: answers(host, int(port)), "the Service answers", 20)
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(pod("asking", ASK, *services, restartPolicy="OnFailure")))


def answers(host: str, port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex((host, port)) == 0


@pytest.fixture(scope="module")
def both(kubernetes_programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, PocketCluster]]:
    """Return two clusters that were started at the same moment."""
    folder = tmp_path_factory.mktemp("both")
    clusters = {name: PocketCluster(Layout(folder / name)) for name in ("first", "second")}
    try:
        with ThreadPoolExecutor(2) as starts:
            list(starts.map(PocketCluster.up, clusters.values()))
        yield clusters
    finally:
        for cluster in clusters.values():
            cluster.down()


def test_pods_of_two_clusters_reach_their_own_api_server_and_their_own_services(both) -> None:
    for name, cluster in both.items():
        fill(cluster, name)
    for name, cluster in both.items():
        waiting.wait_for(cluster, "pod/asking", "jsonpath={.status.phase}=Succeeded", timeout=60)
        said = cluster.kubectl("logs", "asking").output.split()
        assert set(said) == {name} and len(said) == (3 if os.geteuid() == 0 else 2)
        certificate = cluster.layout.certificate("apiserver").read_bytes()
        address = cluster.get("service", "kubernetes")["spec"]["clusterIP"]
        assert address == service_range.api_address(cluster.layout)
        assert ipaddress.ip_address(address) in addresses_in(certificate)
    first, second = (service_range.of(cluster.layout) for cluster in both.values())
    assert not first.overlaps(second)


def test_running_cluster_holds_its_range_until_it_is_stopped(both) -> None:
    first = both["first"]
    name = f"\0labs-pocket/{service_range.of(first.layout)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        with pytest.raises(OSError, match="in use"):
            other.bind(name)
        first.down()
        other.bind(name)


def addresses_in(certificate: bytes) -> list[Any]:
    from cryptography import x509

    names = x509.load_pem_x509_certificate(certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return list(names.value.get_values_for_type(x509.IPAddress))


# --- how a range is chosen


@pytest.fixture
def place(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "cluster")
    made.make()
    return made


def test_a_folder_gets_the_same_range_again_and_moves_on_while_another_cluster_has_it(place: Layout) -> None:
    with service_range.reserve(place):
        wished = service_range.of(place)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(f"\0labs-pocket/{wished}")
        with service_range.reserve(place):
            assert not service_range.of(place).overlaps(wished)
    with service_range.reserve(place):
        assert service_range.of(place) == wished


def test_cluster_with_objects_keeps_its_range_and_says_what_to_do_when_it_is_taken(place: Layout) -> None:
    with service_range.reserve(place):
        place.etcd.mkdir()
        kept = service_range.of(place)
        with pytest.raises(LabsError, match="labs cluster reset"):
            service_range.reserve(place)
    with service_range.reserve(place):
        assert service_range.of(place) == kept


def test_cluster_that_was_kept_since_all_shared_one_range_stays_on_it(place: Layout) -> None:
    place.etcd.mkdir()
    with service_range.reserve(place):
        assert service_range.api_address(place) == "127.96.0.1"


def test_certificates_follow_the_address_of_the_api_server(place: Layout) -> None:
    with service_range.reserve(place):
        certificates.make(place)
        before, address = place.certificate("apiserver").read_bytes(), service_range.api_address(place)
        certificates.make(place)
    assert place.certificate("apiserver").read_bytes() == before
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(f"\0labs-pocket/{service_range.of(place)}")
        with service_range.reserve(place):
            certificates.make(place)
    named = addresses_in(place.certificate("apiserver").read_bytes())
    assert (
        ipaddress.ip_address(service_range.api_address(place)) in named and ipaddress.ip_address(address) not in named
    )


def test_every_range_belongs_to_the_addresses_of_services_and_to_no_other_kind() -> None:
    services = ipaddress.IPv4Network(layout.SERVICE_RANGE)
    for found in (*service_range._ALL, service_range.SHARED):
        assert found.subnet_of(services) and not found.overlaps(ipaddress.ip_network(layout.LOOPBACK_RANGE))
    assert not any(found.overlaps(service_range.SHARED) for found in service_range._ALL)
