"""How connections find pods: Services, NodePorts, names, headless Services, and what happens when pods come and go."""

import contextlib
import json
import socket
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from functools import partial

import pytest

from labsupport.cluster import waiting
from labsupport.cluster.interface import Cluster

# Says its name to who connects, then what it is told, until it is told no more; on SIGTERM it only refuses new ones.
ECHO = """
import os, signal, socket, socketserver, sys, threading
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(os.environ["HOSTNAME"].encode() + b"\\n")
        for line in self.rfile:
            self.wfile.write(line)
        self.wfile.write(b"all\\n")
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address, request_queue_size, daemon_threads = True, 64, False
server = Server((sys.argv[1], 8000), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever(poll_interval=0.05)
server.server_close()
"""
# Prints what a name means and who answers there.
ASK = """
import socket, sys
for name in sys.argv[1:]:
    with socket.create_connection((name, 8000), timeout=5) as connection:
        print(name, connection.makefile().readline().strip(), flush=True)
"""


def deployment(name: str, replicas: int = 1, grace: int = 10, code: str = ECHO, **fields: object) -> dict:
    container = {
        "name": "main",
        "image": "labs-serve:dev",
        "command": ["python", "-u", "-c", code, "0.0.0.0"],
        "ports": [{"name": "talk", "containerPort": 8000}],
        "readinessProbe": {"tcpSocket": {"port": 8000}, "periodSeconds": 1},
        **fields,
    }
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": grace},
    }
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def service(name: str, **fields: object) -> dict:
    spec = {"selector": {"app": name}, "ports": [{"name": "talk", "port": 8000, "targetPort": "talk"}], **fields}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def apply(cluster: Cluster, namespace: str, *items: dict) -> None:
    body = json.dumps({"kind": "List", "apiVersion": "v1", "items": items})
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=body)
    for item in items:
        if item["kind"] in ("Deployment", "StatefulSet"):
            target = f"{item['kind'].lower()}/{item['metadata']['name']}"
            waiting.wait_for(cluster, target, "rolled-out", namespace, timeout=40)


class Talk:
    """A connection to an echo server through a Service."""

    def __init__(self, url: str) -> None:
        host, port = url.removeprefix("http://").split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=60)
        self.file = self.socket.makefile("rb")
        self.server = self.file.readline().decode().strip()
        if not self.server:
            raise ConnectionError("nobody answered")

    def say(self, line: bytes) -> bytes:
        self.socket.sendall(line)
        return self.file.readline()

    def end(self) -> bytes:
        """Say that this was all, and return what still comes."""
        self.socket.shutdown(socket.SHUT_WR)
        return self.file.read()

    def close(self) -> None:
        self.file.close()
        self.socket.close()


@pytest.fixture
def talks() -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as stack:
        yield stack


def talk(talks: contextlib.ExitStack, url: str) -> Talk:
    return talks.enter_context(contextlib.closing(Talk(url)))


def who(url: str) -> str:
    """Return the pod that answers a new connection, or nothing when it is refused."""
    try:
        with contextlib.closing(Talk(url)) as connection:
            return connection.server
    except OSError:
        return ""


def names(cluster: Cluster, namespace: str, app: str) -> set[str]:
    items = cluster.get("pods", "-n", namespace, "-l", f"app={app}")["items"]
    return {item["metadata"]["name"] for item in items if "deletionTimestamp" not in item["metadata"]}


@pytest.fixture
def web(cluster: Cluster, namespace: str) -> Iterator[str]:
    """Return the URL of the Service `web`, with three pods behind it."""
    apply(cluster, namespace, service("web"), deployment("web", 3))
    with cluster.reach("web", 8000, namespace) as url:
        waiting.until(lambda: who(url), "the Service answers", 60)
        yield url


# Where only port-forward reaches a Service from this machine, it talks to one pod.
direct = pytest.mark.needs("service-addresses")


@direct
def test_service_spreads_connections_over_its_pods(cluster, namespace, web) -> None:
    expected = names(cluster, namespace, "web")
    waiting.until(lambda: {who(web) for _ in range(6)} == expected, "all three pods answer", 60)
    answered = Counter(who(web) for _ in range(60))
    assert set(answered) == expected and min(answered.values()) >= 5


@pytest.mark.needs("half-close")
def test_half_closed_connection_still_brings_the_answer(cluster, namespace, web, talks) -> None:
    connection = talk(talks, web)
    assert connection.say(b"hello\n") == b"hello\n"
    connection.socket.sendall(b"line\n" * 50_000)
    assert connection.end() == b"line\n" * 50_000 + b"all\n"


@direct
def test_service_without_pods_refuses_at_once(cluster, namespace, web) -> None:
    cluster.kubectl("scale", "deployment/web", "--replicas=0", "-n", namespace)

    def refused() -> bool:
        host, port = web.removeprefix("http://").split(":")
        with socket.socket() as client:
            client.settimeout(2)
            return client.connect_ex((host, int(port))) == 111

    def state() -> str:
        shown = ["get", "pods,endpointslices", "-n", namespace, "-o", "yaml"]
        return cluster.kubectl(*shown).output

    waiting.until(refused, "the connection is refused", 60, explain=state)
    cluster.kubectl("scale", "deployment/web", "--replicas=1", "-n", namespace)
    waiting.until(lambda: who(web), "it answers again", 60)


@direct
def test_pod_that_ends_gets_no_new_connection_and_finishes_its_old_ones(cluster, namespace, web, talks) -> None:
    old = talk(talks, web)
    cluster.kubectl("delete", "pod", old.server, "-n", namespace, "--wait=false")
    waiting.until(lambda: old.server not in {who(web) for _ in range(9)}, "new connections go elsewhere", 60)
    assert old.say(b"still there?\n") == b"still there?\n"
    assert {who(web) for _ in range(9)} <= names(cluster, namespace, "web")
    assert old.end() == b"all\n"
    waiting.wait_for(cluster, f"pod/{old.server}", "deleted", namespace, timeout=60)


@direct
def test_last_pod_that_ends_is_still_asked_while_it_answers(cluster, namespace) -> None:
    stays = deployment("last", grace=17, lifecycle={"preStop": {"sleep": {"seconds": 15}}})
    apply(cluster, namespace, service("last"), stays)
    with cluster.reach("last", 8000, namespace) as url:
        pod = waiting.until(lambda: who(url), "the Service answers", 60)
        cluster.kubectl("scale", "deployment/last", "--replicas=0", "-n", namespace)
        path = "{.items[0].endpoints[0].conditions.terminating}"
        selector = "kubernetes.io/service-name=last"

        def is_ending() -> bool:
            read = ("get", "endpointslices", "-l", selector, "-n", namespace, "-o", f"jsonpath={path}")
            return cluster.kubectl(*read).output == "true"

        waiting.until(is_ending, "the endpoint is marked as terminating", 12)
        assert who(url) == pod


@direct
def test_unready_pod_gets_no_connection(cluster, namespace) -> None:
    probe = {"exec": {"command": ["test", "!", "-e", "/state/broken"]}, "periodSeconds": 1, "failureThreshold": 1}
    item = deployment("moody", 2, readinessProbe=probe, volumeMounts=[{"name": "state", "mountPath": "/state"}])
    item["spec"]["template"]["spec"]["volumes"] = [{"name": "state", "emptyDir": {}}]
    apply(cluster, namespace, service("moody"), item)
    with cluster.reach("moody", 8000, namespace) as url:
        broken = waiting.until(lambda: who(url), "the Service answers", 60)
        cluster.kubectl("exec", broken, "-n", namespace, "--", "touch", "/state/broken")
        others = names(cluster, namespace, "moody") - {broken}
        waiting.until(lambda: {who(url) for _ in range(6)} == others, "only the other pod answers", 60)
        cluster.kubectl("exec", broken, "-n", namespace, "--", "rm", "/state/broken")
        waiting.until(lambda: broken in {who(url) for _ in range(6)}, "it is back", 60)


@direct
def test_client_affinity_always_meets_the_same_pod(cluster, namespace, web) -> None:
    cluster.kubectl("patch", "service", "web", "-n", namespace, "-p", '{"spec": {"sessionAffinity": "ClientIP"}}')
    waiting.until(lambda: len({who(web) for _ in range(9)}) == 1, "one pod answers all", 60)


@direct
def test_node_port_answers_on_this_machine(cluster, namespace, web) -> None:
    cluster.kubectl("patch", "service", "web", "-n", namespace, "-p", '{"spec": {"type": "NodePort"}}')
    port = cluster.get("service", "web", "-n", namespace)["spec"]["ports"][0]["nodePort"]
    expected = names(cluster, namespace, "web")
    waiting.until(lambda: who(f"http://127.0.0.1:{port}") in expected, "the NodePort answers", 60)


@direct
def test_deleted_service_refuses(cluster, namespace, web) -> None:
    cluster.kubectl("delete", "service", "web", "-n", namespace)
    waiting.until(lambda: not who(web), "the address is silent", 60)


def test_pods_find_services_by_their_names(cluster, namespace, web) -> None:
    cluster.kubectl("create", "deployment", "caller", "--image=labs-serve:dev", "-n", namespace, "--", "sleep", "600")
    waiting.wait_for(cluster, "deployment/caller", "rolled-out", namespace, timeout=60)
    asked = ["web", f"web.{namespace}", f"web.{namespace}.svc", f"web.{namespace}.svc.cluster.local"]
    said = cluster.kubectl("exec", "deployment/caller", "-n", namespace, "--", "python", "-c", ASK, *asked).output
    answered = dict(line.split() for line in said.splitlines())
    assert list(answered) == asked
    assert set(answered.values()) <= names(cluster, namespace, "web")
    unknown = cluster.kubectl(
        "exec", "deployment/caller", "-n", namespace, "--", "python", "-c", ASK, "nosuch", check=False
    )
    assert "gaierror" in unknown.errors


def test_pods_of_a_stateful_set_have_names_of_their_own(cluster, namespace) -> None:
    item = deployment("db", 2)
    stateful = {**item, "kind": "StatefulSet", "spec": {**item["spec"], "serviceName": "db"}}
    apply(cluster, namespace, service("db", clusterIP="None"), stateful)
    ask = ("exec", "db-0", "-n", namespace, "--", "python", "-c", ASK)

    def both() -> dict[str, str]:
        said = cluster.kubectl(*ask, "db-0.db", f"db-1.db.{namespace}.svc.cluster.local", check=False)
        return dict(line.split() for line in said.output.splitlines()) if said.ok else {}

    answered = waiting.until(both, "both pods are found by name", 60)
    assert list(answered.values()) == ["db-0", "db-1"]
    assert cluster.kubectl(*ask, "db").output.split()[1] in ("db-0", "db-1")


def test_pods_reach_each_other_by_address(cluster, namespace, web) -> None:
    first, second = cluster.get("pods", "-n", namespace, "-l", "app=web")["items"][:2]
    name, address = second["metadata"]["name"], second["status"]["podIP"]
    asked = ("exec", first["metadata"]["name"], "-n", namespace, "--", "python", "-c", ASK, address)
    assert cluster.kubectl(*asked).output == f"{address} {name}\n"


def test_two_ports_of_a_service_lead_to_two_ports_of_the_pod(cluster, namespace) -> None:
    code = "import http.server, sys, threading\nfor port in (8000, 8001):\n"
    code += (
        "    server = http.server.HTTPServer((sys.argv[1], port), type('H', (http.server.BaseHTTPRequestHandler,), {\n"
    )
    code += "        'do_GET': lambda self, port=port: (self.send_response(200), self.end_headers(), self.wfile.write(b'%d' % port))}))\n"
    code += "    threading.Thread(target=server.serve_forever).start()\n"
    ports = [
        {"name": "talk", "port": 9000, "targetPort": 8000},
        {"name": "status", "port": 9001, "targetPort": 8001},
    ]
    apply(cluster, namespace, service("two", ports=ports), deployment("two", code=code, grace=1))

    def answer(port: int) -> str:
        with cluster.reach("two", port, namespace) as url:
            try:
                with urllib.request.urlopen(url, timeout=5) as response:
                    return str(response.read().decode())
            except urllib.error.URLError:
                return ""

    waiting.until(lambda: answer(9000) == "8000", "the first port answers", 60)
    assert answer(9001) == "8001"


def test_api_server_passes_requests_on_to_a_service_and_to_a_pod(cluster, namespace) -> None:
    code = (
        "import http.server, sys; http.server.test(http.server.SimpleHTTPRequestHandler, port=8000, bind=sys.argv[1])"
    )
    apply(cluster, namespace, service("files"), deployment("files", code=code, grace=1))
    (pod,) = names(cluster, namespace, "files")
    base = f"/api/v1/namespaces/{namespace}"
    for path in (f"{base}/services/files:talk/proxy/", f"{base}/pods/{pod}:8000/proxy/"):
        waiting.until(partial(is_listed, cluster, path), path, 60)


def is_listed(cluster: Cluster, path: str) -> bool:
    return "Directory listing" in cluster.kubectl("get", "--raw", path, check=False).output
