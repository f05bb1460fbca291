"""Whatever manifest the API server admits: the node says how the pod is, lets it go, and stays what it was.

A memory limit of 1Ei once ended the node agent, and again at each of its starts.
"""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from labsupport.cluster import waiting
from labsupport.cluster.pocket import supervisor
from labsupport.cluster.pocket.layout import Layout
from labsupport.cluster.pocket.runtime import PocketCluster

EXAMPLES = 20 if os.environ.get("LABS_NIGHTLY") else 3
TOGETHER = 16
PATIENCE = 90

numbers = st.sampled_from(["0", "1", "-1", "+5", "1.5", ".5", "7.", "100", "9223372036854775807", "0.000000001"])
suffixes = st.sampled_from(
    ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "e3", "E3", "e-3", "e99", "K"]
)
quantities = st.builds("{}{}".format, numbers, suffixes)
# Letters of many kinds, blanks, what shells, paths and our own rewriting read, and the zero byte.
texts = st.text(st.sampled_from("aZ09é漢🙂 \t\n\0/.$()=:%\\'\"-_~"), max_size=12)
words = texts | st.sampled_from(["$(HOME)", "$$(A)", "$(", "0.0.0.0", "/etc", "..", "198.18.0.1", "", "true"])
names = st.sampled_from(["A", "A B", "1x", ".", "é", "PATH", "PYTHONPATH", "KUBECONFIG", "HOME", "LABS_POCKET_MOUNTS"])
ports = st.integers(1, 65535) | st.sampled_from(["http", "none", "80"])
seconds = st.sampled_from([0, 1, 2**31 - 1])
fields = st.sampled_from(
    ["metadata.name", "metadata.labels", "metadata.labels['a']", "metadata.annotations['x/y']", "status.podIPs"]
    + ["spec.nodeName", "spec.serviceAccountName", "status.hostIPs", "metadata.uid"]
)
resources = st.sampled_from(
    ["limits.cpu", "limits.memory", "requests.memory", "limits.ephemeral-storage", "requests.hugepages-2Mi"]
)


@st.composite
def few(draw: st.DrawFn, /, always: dict[str, Any], **options: st.SearchStrategy[Any]) -> dict:
    """Return an object with at most two odd fields: of more, one would be refused, and the whole object with it."""
    chosen = draw(st.lists(st.sampled_from(sorted(options)), max_size=2, unique=True))
    return {**always, **{name: draw(options[name]) for name in chosen}}


asked = st.fixed_dictionaries(
    {"resource": resources, "containerName": st.sampled_from(["main", "nobody"])}, optional={"divisor": quantities}
)
sources = st.fixed_dictionaries({"fieldRef": st.fixed_dictionaries({"fieldPath": fields})}) | st.fixed_dictionaries(
    {"resourceFieldRef": asked}
)
missing = {"configMapKeyRef": {"name": "none", "key": "k", "optional": True}}
variables = st.lists(
    st.fixed_dictionaries({"name": names, "value": words})
    | st.fixed_dictionaries({"name": names, "valueFrom": sources | st.just(missing)}),
    max_size=3,
)
commands = st.lists(words, min_size=1, max_size=2).map(lambda command: {"command": command})
actions = (
    st.fixed_dictionaries({"exec": commands})
    | st.fixed_dictionaries({"tcpSocket": few({"port": 8000}, port=ports, host=words)})
    | st.fixed_dictionaries({"httpGet": few({"port": 8000}, port=ports, host=words, path=words)})
)
counts = few({"timeoutSeconds": 1, "periodSeconds": 1}, initialDelaySeconds=seconds, failureThreshold=st.just(1))
probes = st.builds(lambda action, count: action | count, actions, counts)
hooks = actions | st.just({"sleep": {"seconds": 1}})
mounts = st.lists(
    few({"name": "own", "mountPath": "/a"}, name=st.just("told"), mountPath=words, subPath=words, subPathExpr=words),
    max_size=2,
)
limits = few({}, memory=quantities, cpu=quantities, **{"ephemeral-storage": quantities})
containers = few(
    {"name": "main", "image": "labs-serve:dev", "command": ["sleep", "1"]},
    image=st.sampled_from(["nobody/has:it", "busybox@sha256:" + 64 * "0"]) | words,
    command=st.lists(words, max_size=3),
    args=st.lists(words, max_size=3),
    env=variables,
    resources=limits.map(lambda limits: {"limits": limits, "requests": dict.fromkeys(limits, "0")}),
    volumeMounts=mounts,
    workingDir=words,
    terminationMessagePath=words,
    readinessProbe=probes,
    livenessProbe=probes,
    startupProbe=probes,
    lifecycle=few({}, postStart=hooks, preStop=hooks),
    securityContext=few({}, runAsUser=st.integers(0, 2**31 - 1), privileged=st.booleans()),
    tty=st.booleans(),
)
items = st.lists(st.builds(lambda path, source: {"path": path, **source}, words, sources), max_size=2)
volumes = st.builds(
    lambda own, told: [{"name": "own", "emptyDir": own}, {"name": "told", "downwardAPI": told}],
    few({}, medium=st.just("Memory"), sizeLimit=quantities),
    few({}, items=items, defaultMode=st.integers(0, 0o777)),
)
specs = st.builds(
    lambda spec, main, mounted: {**spec, "containers": [main], "volumes": mounted},
    few(
        {"terminationGracePeriodSeconds": 1},
        restartPolicy=st.sampled_from(["OnFailure", "Never"]),
        initContainers=containers.map(lambda one: [{**one, "name": "first"}]),
        activeDeadlineSeconds=st.sampled_from([1, 2**31 - 1]),
        hostname=st.just(63 * "h"),
        enableServiceLinks=st.booleans(),
        readinessGates=st.just([{"conditionType": "example.org/open"}]),
    ),
    containers,
    volumes,
)
annotations = st.dictionaries(st.sampled_from(["x/y", "a"]), texts, max_size=2)
# Endpoints that nobody made for us, of kinds that a node does not reach.
endpoints = st.fixed_dictionaries(
    {
        "addressType": st.sampled_from(["IPv4", "IPv6", "FQDN"]),
        "addresses": st.sampled_from(["10.0.0.1", "fe80::1", "example.org", "198.18.0.1"]).map(lambda one: [one]),
        "ports": st.lists(few({}, port=st.integers(1, 65535), name=st.just("talk")), max_size=2),
    }
)


@pytest.fixture(scope="module")
def odd(kubernetes_programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PocketCluster]:
    """Return a cluster of its own: a node that is lost would be lost to all other tests, too."""
    cluster = PocketCluster(Layout(tmp_path_factory.mktemp("odd") / "pocket"))
    cluster.up()
    waiting.wait_for(cluster, "serviceaccount/default", "created", timeout=60)
    yield cluster
    cluster.down()


def agent(cluster: PocketCluster) -> tuple[int | None, int]:
    state = supervisor.read_state(cluster.layout)
    assert state is not None
    return state.programs["agent"].pid, state.programs["agent"].restarts


def pods(cluster: PocketCluster, batch: str) -> list[dict]:
    return list(cluster.get("pods", "-l", f"batch={batch}")["items"])


def is_told(pod: dict) -> bool:
    """Tell whether the node has said how a pod is: the scheduler sets no time, and what it can't place is not the node's."""
    unplaced = any(one["reason"] == "Unschedulable" for one in pod["status"].get("conditions", []) if "reason" in one)
    return unplaced or "startTime" in pod["status"]


@settings(
    max_examples=EXAMPLES,
    # Each example is many manifests, and to make them simpler one by one would take an hour.
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(st.data())
def test_no_manifest_ends_the_node(odd: PocketCluster, data: st.DataObject) -> None:
    batch = f"b{time.monotonic_ns():x}"
    made = data.draw(st.lists(st.tuples(specs, annotations), min_size=TOGETHER, max_size=TOGETHER))
    manifests: list[dict] = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"{batch}-{number}", "labels": {"batch": batch}, "annotations": notes},
            "spec": spec,
        }
        for number, (spec, notes) in enumerate(made)
    ]
    for number, one in enumerate(data.draw(st.lists(endpoints, min_size=4, max_size=4))):
        port = {"name": "talk", "port": 8000}
        service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": f"{batch}-{number}"}}
        labels = {"kubernetes.io/service-name": f"{batch}-{number}"}
        endpoint = [{"addresses": one["addresses"]}]
        manifests += [
            {**service, "spec": {"ports": [port]}},
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {"name": f"{batch}-{number}", "labels": labels},
                "addressType": one["addressType"],
                "endpoints": endpoint,
                "ports": one["ports"],
            },
        ]
    before, log = agent(odd), odd.layout.log("agent")
    said = log.stat().st_size
    body = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
    refused = odd.kubectl("create", "-f", "-", stdin=body, check=False, timeout=120).errors
    admitted = pods(odd, batch)
    assert len(admitted) >= TOGETHER // 4, refused
    try:
        waiting.until(
            lambda: all(is_told(pod) for pod in pods(odd, batch)),
            "the node says how every pod is",
            PATIENCE,
            explain=lambda: str([pod["spec"] for pod in pods(odd, batch) if not is_told(pod)]),
        )
    finally:
        odd.kubectl("delete", "pods", "-l", f"batch={batch}", "--wait=false")
    waiting.until(
        lambda: not pods(odd, batch),
        "the pods are gone",
        PATIENCE,
        explain=lambda: str([pod["spec"] for pod in pods(odd, batch)]),
    )
    assert agent(odd) == before
    with log.open() as stream:
        stream.seek(said)
        assert "Traceback" not in (text := stream.read()), text


def test_memory_limit_beyond_every_machine_leaves_the_node_alone(odd: PocketCluster) -> None:
    before = agent(odd)
    large = {"requests": {"memory": "0"}, "limits": {"memory": "1Ei"}}
    container = {"name": "main", "image": "labs-serve:dev", "command": ["sleep", "2"], "resources": large}
    spec = {"containers": [container], "restartPolicy": "Never"}
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "large"}, "spec": spec}
    odd.kubectl("create", "-f", "-", stdin=json.dumps(manifest))
    waiting.wait_for(odd, "pod/large", "jsonpath={.status.phase}=Succeeded", timeout=60)
    assert agent(odd) == before
