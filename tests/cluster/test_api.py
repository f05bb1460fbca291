"""What the API server itself refuses, keeps and cleans up, and how an operator adds a kind of its own."""

import json
import re
from collections.abc import Iterator

import kubernetes
import pytest

from labsupport.cluster import waiting
from labsupport.cluster.interface import Cluster
from labsupport.errors import LabsError

SLEEP = "import time; time.sleep(600)"
# Each Team has a ConfigMap that names its members.
OPERATOR = """
import kopf, kubernetes

kubernetes.config.load_incluster_config()
core = kubernetes.client.CoreV1Api()

@kopf.on.create("teams")
def welcome(spec, name, namespace, **_):
    body = {"metadata": {"name": name}, "data": {"members": members(name, spec["size"])}}
    kopf.adopt(body)
    core.create_namespaced_config_map(namespace, body)

@kopf.on.update("teams", field="spec.size")
def resize(spec, name, namespace, **_):
    core.patch_namespaced_config_map(name, namespace, {"data": {"members": members(name, spec["size"])}})
    return spec["size"]

@kopf.on.delete("teams")
def farewell(name, namespace, **_):
    core.delete_namespaced_config_map(name, namespace)

def members(name, size):
    return " ".join(f"{name}-{number}" for number in range(size))
"""


def pod(name: str, **container: object) -> dict:
    main = {"name": "main", "image": "labs-serve:dev", "command": ["python", "-c", SLEEP], **container}
    spec = {"containers": [main], "terminationGracePeriodSeconds": 0}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def requests(**amounts: str) -> dict:
    named = {name.replace("__", "/").replace("_", "."): amount for name, amount in amounts.items()}
    return {"requests": named, "limits": named}


def apply(cluster: Cluster, namespace: str, *items: dict, **options: bool):
    body = json.dumps({"kind": "List", "apiVersion": "v1", "items": items})
    return cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=body, **options)


def unscheduled(cluster: Cluster, namespace: str, name: str) -> str:
    """Return the scheduler's reason for a pod that has no place, or nothing yet."""
    for condition in cluster.get("pod", name, "-n", namespace)["status"].get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return str(condition["message"])
    return ""


# --- who may do what


@pytest.fixture
def reader(cluster: Cluster, namespace: str) -> Iterator[str]:
    """Return a ServiceAccount that may read pods of its namespace, and nothing else."""
    cluster.kubectl("create", "serviceaccount", "reader", "-n", namespace)
    cluster.kubectl("create", "role", "reader", "--verb=get,list", "--resource=pods", "-n", namespace)
    cluster.kubectl(
        "create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={namespace}:reader", "-n", namespace
    )
    yield f"system:serviceaccount:{namespace}:reader"


def test_role_allows_what_it_names_and_refuses_the_rest(cluster, namespace, reader) -> None:
    assert cluster.kubectl("get", "pods", "-n", namespace, f"--as={reader}").ok
    sentence = f'User "{reader}" cannot list resource "secrets" in API group "" in the namespace "{namespace}"'
    with pytest.raises(LabsError, match=re.escape(sentence)):
        cluster.kubectl("get", "secrets", "-n", namespace, f"--as={reader}")
    asked = cluster.kubectl("auth", "can-i", "delete", "pods", "-n", namespace, f"--as={reader}", check=False)
    assert (asked.output.strip(), asked.code) == ("no", 1)


def test_pod_uses_the_api_with_the_rights_of_its_service_account(cluster, namespace, reader) -> None:
    code = (
        "import kubernetes\nkubernetes.config.load_incluster_config()\ncore = kubernetes.client.CoreV1Api()\n"
        f"print([item.metadata.name for item in core.list_namespaced_pod('{namespace}').items], flush=True)\n"
        f"try: core.list_namespaced_secret('{namespace}')\n"
        "except kubernetes.client.ApiException as error: print(error.status, error.reason, flush=True)"
    )
    asking = pod("asking", command=["python", "-c", code])
    asking["spec"] |= {"serviceAccountName": "reader", "restartPolicy": "Never"}
    apply(cluster, namespace, asking)
    waiting.wait_for(cluster, "pod/asking", "jsonpath={.status.phase}=Succeeded", namespace, timeout=60)
    assert cluster.kubectl("logs", "asking", "-n", namespace).output == "['asking']\n403 Forbidden\n"


def test_token_of_a_service_account_is_recognised(cluster, namespace, reader) -> None:
    token = cluster.kubectl("create", "token", "reader", "-n", namespace).output.strip()
    configuration = cluster.client().configuration
    configuration.cert_file = configuration.key_file = None
    configuration.api_key = {"authorization": f"Bearer {token}"}
    configuration.refresh_api_key_hook = None
    with kubernetes.client.ApiClient(configuration) as connection:
        review = kubernetes.client.AuthenticationV1Api(connection).create_self_subject_review({})
    assert review.status.user_info.username == reader


# --- what is refused before it is stored


def test_quota_refuses_what_would_exceed_it(cluster, namespace) -> None:
    cluster.kubectl("create", "quota", "small", "--hard=requests.cpu=500m,pods=2", "-n", namespace)
    # The quota holds as soon as its controller has counted what is there.
    waiting.wait_for(cluster, "quota/small", "jsonpath={.status.hard.pods}=2", namespace, timeout=60)
    apply(cluster, namespace, pod("first", resources=requests(cpu="300m")))
    sentence = (
        "exceeded quota: small, requested: requests.cpu=300m, used: requests.cpu=300m, limited: requests.cpu=500m"
    )
    with pytest.raises(LabsError, match=re.escape(sentence)):
        apply(cluster, namespace, pod("second", resources=requests(cpu="300m")))
    with pytest.raises(LabsError, match="must specify requests.cpu"):
        apply(cluster, namespace, pod("vague"))


def test_pod_security_refuses_what_is_not_restricted(cluster, namespace) -> None:
    cluster.kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    with pytest.raises(LabsError, match='violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false'):
        apply(cluster, namespace, pod("careless"))
    careful = pod(
        "careful",
        securityContext={
            "allowPrivilegeEscalation": False,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    )
    assert apply(cluster, namespace, careful).ok


def test_unknown_field_and_wrong_type_are_named(cluster, namespace) -> None:
    with pytest.raises(LabsError, match=r'unknown field "(spec\.)?replica"'):
        apply(cluster, namespace, {**_deployment(), "spec": {**_deployment()["spec"], "replica": 1}})
    with pytest.raises(LabsError, match="selector. does not match template .labels"):
        apply(
            cluster,
            namespace,
            {**_deployment(), "spec": {**_deployment()["spec"], "selector": {"matchLabels": {"app": "other"}}}},
        )


def _deployment() -> dict:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": pod("web")["spec"]}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


# --- who owns what


def test_two_owners_of_a_field_are_in_conflict_until_one_insists(cluster, namespace) -> None:
    def applied(value: str, manager: str, *options: str, check: bool = True):
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shared"}, "data": {"k": value}}
        arguments = ("apply", "--server-side", f"--field-manager={manager}", "-n", namespace, "-f", "-", *options)
        return cluster.kubectl(*arguments, stdin=json.dumps(body), check=check)

    applied("1", "a")
    refused = applied("2", "b", check=False)
    assert 'Apply failed with 1 conflict: conflict with "a": .data.k' in refused.errors
    applied("2", "b", "--force-conflicts")
    assert cluster.get("configmap", "shared", "-n", namespace)["data"] == {"k": "2"}


def test_owned_object_goes_with_its_owner(cluster, namespace) -> None:
    cluster.kubectl("create", "configmap", "owner", "-n", namespace)
    metadata = cluster.get("configmap", "owner", "-n", namespace)["metadata"]
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": metadata["uid"]}
    owned = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owned", "ownerReferences": [reference]}}
    apply(cluster, namespace, owned)
    cluster.kubectl("delete", "configmap", "owner", "-n", namespace)
    waiting.wait_for(cluster, "configmap/owned", "deleted", namespace, timeout=60)


def test_object_with_a_finalizer_stays_until_it_is_taken_away(cluster, namespace) -> None:
    kept = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept", "finalizers": ["labs.example/hold"]}}
    apply(cluster, namespace, kept)
    cluster.kubectl("delete", "configmap", "kept", "-n", namespace, "--wait=false")
    assert "deletionTimestamp" in cluster.get("configmap", "kept", "-n", namespace)["metadata"]
    cluster.kubectl("patch", "configmap", "kept", "-n", namespace, "-p", '{"metadata": {"finalizers": null}}')
    waiting.wait_for(cluster, "configmap/kept", "deleted", namespace, timeout=60)


# --- where pods find a place


def test_pod_without_room_stays_pending_and_says_why(cluster, namespace) -> None:
    apply(cluster, namespace, pod("huge", resources=requests(cpu="1000")))
    reason = waiting.until(lambda: unscheduled(cluster, namespace, "huge"), "the scheduler has looked", 60)
    assert re.match(r"0/\d+ nodes are available: 1 Insufficient cpu\.", reason)
    assert cluster.get("pod", "huge", "-n", namespace)["status"]["phase"] == "Pending"


def test_pod_that_wants_a_gpu_says_that_none_is_there(cluster, namespace) -> None:
    apply(cluster, namespace, pod("trainer", resources=requests(vendor_example__gpu="1")))
    reason = waiting.until(lambda: unscheduled(cluster, namespace, "trainer"), "the scheduler has looked", 60)
    assert "1 Insufficient vendor.example/gpu" in reason


def test_extended_resource_is_given_out_until_it_is_used_up(cluster, namespace) -> None:
    resource = f"labs.example/{namespace}"
    (node,) = [item["metadata"]["name"] for item in cluster.get("nodes")["items"]]
    path = f"/status/capacity/{resource.replace('/', '~1')}"

    def patch(operation: dict) -> None:
        cluster.kubectl("patch", "node", node, "--subresource=status", "--type=json", "-p", json.dumps([operation]))

    patch({"op": "add", "path": path, "value": "3"})
    try:
        slots = {"requests": {resource: "2"}, "limits": {resource: "2"}}
        apply(cluster, namespace, pod("first", resources=slots))
        waiting.wait_for(cluster, "pod/first", "Ready", namespace, timeout=40)
        apply(cluster, namespace, pod("second", resources=slots))
        reason = waiting.until(lambda: unscheduled(cluster, namespace, "second"), "the scheduler has looked", 60)
        assert f"1 Insufficient {resource}" in reason
        cluster.kubectl("delete", "pod", "first", "-n", namespace)
        waiting.wait_for(cluster, "pod/second", "Ready", namespace, timeout=60)
    finally:
        patch({"op": "remove", "path": path})


def test_pod_with_a_selector_finds_its_node_when_that_is_labelled(cluster, namespace) -> None:
    choosy = pod("choosy")
    choosy["spec"]["nodeSelector"] = {f"labs.example/{namespace}": "yes"}
    apply(cluster, namespace, choosy)
    reason = waiting.until(lambda: unscheduled(cluster, namespace, "choosy"), "the scheduler has looked", 60)
    assert "didn't match Pod's node affinity/selector" in reason
    (node,) = [item["metadata"]["name"] for item in cluster.get("nodes")["items"]]
    cluster.kubectl("label", "node", node, f"labs.example/{namespace}=yes")
    waiting.wait_for(cluster, "pod/choosy", "Ready", namespace, timeout=60)
    cluster.kubectl("label", "node", node, f"labs.example/{namespace}-")


# --- kinds of our own


@pytest.fixture
def team_kind(cluster: Cluster, namespace: str) -> Iterator[str]:
    """Define the kind Team, in an API group of this test's own."""
    group = f"{namespace}.example"
    schema = {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "required": ["size"],
                "properties": {"size": {"type": "integer", "minimum": 1}, "lead": {"type": "string"}},
                "x-kubernetes-validations": [
                    {"rule": "self.size < 10 || has(self.lead)", "message": "a large team needs a lead"}
                ],
            },
            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        },
    }
    names = {"kind": "Team", "plural": "teams", "singular": "team"}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
        "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}],
    }
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"teams.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }
    apply(cluster, namespace, definition)
    waiting.wait_for(cluster, f"crd/teams.{group}", "Established", namespace, timeout=60)
    yield group
    cluster.kubectl("delete", "crd", f"teams.{group}", "--wait=false")


def team(group: str, name: str, **spec: object) -> dict:
    return {"apiVersion": f"{group}/v1", "kind": "Team", "metadata": {"name": name}, "spec": spec}


def test_own_kind_is_checked_against_its_schema_and_rules(cluster, namespace, team_kind) -> None:
    with pytest.raises(LabsError, match="spec.size: Invalid value.*should be greater than or equal to 1"):
        apply(cluster, namespace, team(team_kind, "none", size=0))
    with pytest.raises(LabsError, match="a large team needs a lead"):
        apply(cluster, namespace, team(team_kind, "crowd", size=10))
    apply(cluster, namespace, team(team_kind, "crowd", size=10, lead="ada"))
    shown = cluster.kubectl("get", f"teams.{team_kind}", "-n", namespace).output.splitlines()
    assert [line.split() for line in shown] == [["NAME", "SIZE"], ["crowd", "10"]]


@pytest.fixture
def operator_rights(cluster: Cluster, namespace: str, team_kind: str) -> Iterator[None]:
    """Give the namespace's ServiceAccount what an operator of Teams needs."""
    watched = ["--verb=get,list,watch", "--resource=namespaces,customresourcedefinitions.apiextensions.k8s.io"]
    account = f"--serviceaccount={namespace}:default"
    cluster.kubectl("create", "clusterrole", namespace, *watched)
    cluster.kubectl("create", "clusterrolebinding", namespace, f"--clusterrole={namespace}", account)
    rules = [
        {"apiGroups": [team_kind], "resources": ["teams", "teams/status"], "verbs": ["*"]},
        {"apiGroups": [""], "resources": ["configmaps", "events"], "verbs": ["*"]},
    ]
    group = "rbac.authorization.k8s.io/v1"
    apply(cluster, namespace, {"apiVersion": group, "kind": "Role", "metadata": {"name": "operator"}, "rules": rules})
    cluster.kubectl("create", "rolebinding", "operator", "--role=operator", account, "-n", namespace)
    yield
    cluster.kubectl("delete", "clusterrole,clusterrolebinding", namespace)


def test_operator_follows_its_kind_from_creation_to_deletion(cluster, namespace, team_kind, operator_rights) -> None:
    code = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "code"}, "data": {"operator.py": OPERATOR}}
    operator = pod(
        "operator",
        command=["kopf", "run", "--standalone", "--namespace", namespace, "/code/operator.py"],
        volumeMounts=[{"name": "code", "mountPath": "/code"}],
    )
    operator["spec"]["volumes"] = [{"name": "code", "configMap": {"name": "code"}}]
    apply(cluster, namespace, code, operator, team(team_kind, "blue", size=2))
    members = "jsonpath={.data.members}"
    waiting.wait_for(cluster, "configmap/blue", f"{members}=blue-0 blue-1", namespace, timeout=60)
    apply(cluster, namespace, team(team_kind, "blue", size=3))
    waiting.wait_for(cluster, "configmap/blue", f"{members}=blue-0 blue-1 blue-2", namespace, timeout=60)
    (owner,) = cluster.get("configmap", "blue", "-n", namespace)["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"]) == ("Team", "blue")
    path = "jsonpath={.status.resize/spec\\.size}=3"
    waiting.wait_for(cluster, f"teams.{team_kind}/blue", path, namespace, timeout=60)
    cluster.kubectl("delete", f"teams.{team_kind}", "blue", "-n", namespace, timeout=60)
    assert not cluster.kubectl("get", "configmap", "blue", "-n", namespace, check=False).ok
