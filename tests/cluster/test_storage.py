"""What pods are given from outside: volumes of every kind, and variables from every source."""

import json

from labsupport.cluster import waiting
from labsupport.cluster.interface import Cluster

SLEEP = "import time; time.sleep(600)"


def config_map(name: str, **data: str) -> dict:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def secret(name: str, **data: str) -> dict:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}


def claim(name: str) -> dict:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "100Mi"}}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}


def pod(name: str, code: str, volumes: dict[str, dict] | None = None, **fields: object) -> dict:
    """Return a pod that runs Python code once; each volume is mounted at /NAME."""
    volumes = volumes or {}
    container = {
        "name": "main",
        "image": "labs-serve:dev",
        "command": ["python", "-c", code],
        "volumeMounts": [{"name": volume, "mountPath": f"/{volume}"} for volume in volumes],
        **fields,
    }
    spec = {
        "containers": [container],
        "volumes": [{"name": volume, **source} for volume, source in volumes.items()],
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 0 if code == SLEEP else 1,
    }
    metadata = {"name": name, "labels": {"app": name, "tier": "lab"}, "annotations": {"owner": "you"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def apply(cluster: Cluster, namespace: str, *items: dict) -> None:
    body = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=body)


def output(cluster: Cluster, namespace: str, name: str) -> str:
    """Return what a pod said until it succeeded."""
    waiting.wait_for(cluster, f"pod/{name}", "jsonpath={.status.phase}=Succeeded", namespace, timeout=60)
    return cluster.kubectl("logs", name, "-n", namespace).output


def execute(cluster: Cluster, namespace: str, name: str, *command: str) -> str:
    return cluster.kubectl("exec", name, "-n", namespace, "--", *command, check=False).output


def test_claim_outlives_its_pod_and_dies_with_the_claim(cluster: Cluster, namespace: str) -> None:
    data = {"data": {"persistentVolumeClaim": {"claimName": "models"}}}
    apply(cluster, namespace, claim("models"), pod("writer", "open('/data/model', 'w').write('v1')", data))
    output(cluster, namespace, "writer")
    cluster.kubectl("delete", "pod", "writer", "-n", namespace)
    apply(cluster, namespace, pod("reader", "print(open('/data/model').read())", data))
    assert output(cluster, namespace, "reader") == "v1\n"
    volume = cluster.get("pvc", "models", "-n", namespace)["spec"]["volumeName"]
    cluster.kubectl("delete", "pod", "reader", "-n", namespace)
    cluster.kubectl("delete", "pvc", "models", "-n", namespace)
    waiting.wait_for(cluster, f"pv/{volume}", "deleted", timeout=60)


def test_claim_waits_for_its_first_consumer(cluster: Cluster, namespace: str) -> None:
    apply(cluster, namespace, claim("idle"))
    said = waiting.until(lambda: cluster.get("events", "-n", namespace)["items"], "an event of the claim", timeout=60)
    assert "waiting for first consumer to be created before binding" in said[0]["message"]
    assert cluster.get("pvc", "idle", "-n", namespace)["status"]["phase"] == "Pending"


def test_stateful_set_gives_each_pod_its_own_volume_and_name(cluster: Cluster, namespace: str) -> None:
    code = "import socket, time; open('/data/who', 'a').write(socket.gethostname() + ' '); time.sleep(600)"
    container = {
        "name": "main",
        "image": "labs-serve:dev",
        "command": ["python", "-c", code],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    made = claim("data")
    spec = {
        "serviceName": "store",
        "replicas": 2,
        "selector": {"matchLabels": {"app": "store"}},
        "template": {
            "metadata": {"labels": {"app": "store"}},
            "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
        },
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": made["spec"]}],
    }
    headless = {"clusterIP": "None", "selector": {"app": "store"}, "ports": [{"port": 8000}]}
    apply(
        cluster,
        namespace,
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "store"}, "spec": headless},
        {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "store"}, "spec": spec},
    )
    waiting.wait_for(cluster, "statefulset/store", "rolled-out", namespace, timeout=60)

    def until_volume_says(name: str, text: str) -> None:
        # A pod without a probe is Ready before its program has done anything.
        waiting.until(lambda: execute(cluster, namespace, name, "cat", "/data/who") == text, f"{name}: {text}", 60)

    until_volume_says("store-0", "store-0 ")
    cluster.kubectl("delete", "pod", "store-0", "-n", namespace)
    waiting.wait_for(cluster, "statefulset/store", "rolled-out", namespace, timeout=60)
    waiting.wait_for(cluster, "pod/store-0", "Ready", namespace, timeout=60)
    until_volume_says("store-0", "store-0 store-0 ")
    until_volume_says("store-1", "store-1 ")


def test_containers_of_a_pod_share_an_empty_dir_and_the_next_pod_finds_it_empty(
    cluster: Cluster, namespace: str
) -> None:
    body = pod("shared", "open('/work/note', 'w').write('hello')", {"work": {"emptyDir": {}}})
    reader = {**body["spec"]["containers"][0], "name": "reader"}
    reader["command"] = [
        "python",
        "-c",
        "import os, time\nwhile not os.path.exists('/work/note'): time.sleep(0.05)\ntime.sleep(0.2); print(open('/work/note').read())",
    ]
    body["spec"]["containers"].append(reader)
    apply(cluster, namespace, body)
    waiting.wait_for(cluster, "pod/shared", "jsonpath={.status.phase}=Succeeded", namespace, timeout=60)
    assert cluster.kubectl("logs", "shared", "-c", "reader", "-n", namespace).output == "hello\n"
    cluster.kubectl("delete", "pod", "shared", "-n", namespace)
    apply(cluster, namespace, pod("shared", "import os; print(os.listdir('/work'))", {"work": {"emptyDir": {}}}))
    assert output(cluster, namespace, "shared") == "[]\n"


def test_config_map_and_secret_are_files(cluster: Cluster, namespace: str) -> None:
    volumes: dict[str, dict] = {
        "settings": {"configMap": {"name": "settings", "items": [{"key": "rate", "path": "model/rate"}]}},
        "keys": {"secret": {"secretName": "keys", "defaultMode": 0o400}},
        "absent": {"configMap": {"name": "nosuch", "optional": True}},
    }
    code = (
        "import os\nvisible = lambda place: [name for name in os.listdir(place) if name[0] != '.']\n"
        "print(open('/settings/model/rate').read(), open('/keys/token').read(), visible('/absent'),"
        " oct(os.stat('/keys/token').st_mode & 0o777), visible('/settings'))"
    )
    body = pod("files", code, volumes)
    # The files are root's, and their mode lets nobody else read them; the image's user is another.
    body["spec"]["securityContext"] = {"runAsUser": 0}
    apply(
        cluster,
        namespace,
        config_map("settings", rate="0.1", other="x"),
        secret("keys", token="s3cret"),
        body,
    )
    assert output(cluster, namespace, "files") == "0.1 s3cret [] 0o400 ['model']\n"


def test_mounted_config_map_follows_its_changes_and_a_sub_path_does_not(cluster: Cluster, namespace: str) -> None:
    body = pod("watcher", SLEEP, {"settings": {"configMap": {"name": "settings"}}})
    mounts = body["spec"]["containers"][0]["volumeMounts"]
    mounts.append({"name": "settings", "mountPath": "/fixed/rate", "subPath": "rate"})
    apply(cluster, namespace, config_map("settings", rate="0.1"), body)
    waiting.wait_for(cluster, "pod/watcher", "Ready", namespace, timeout=60)
    assert execute(cluster, namespace, "watcher", "cat", "/settings/rate") == "0.1"
    apply(cluster, namespace, config_map("settings", rate="0.2"))
    # A kubelet takes up to a minute; nobody needs to wait longer than that.
    waiting.until(
        lambda: execute(cluster, namespace, "watcher", "cat", "/settings/rate") == "0.2", "the new value", timeout=90
    )
    assert execute(cluster, namespace, "watcher", "cat", "/fixed/rate") == "0.1"


def test_pod_waits_for_a_config_map_that_it_mounts(cluster: Cluster, namespace: str) -> None:
    body = pod("early", "print(open('/settings/rate').read())", {"settings": {"configMap": {"name": "settings"}}})
    apply(cluster, namespace, body)
    waiting.until(
        lambda: 'configmap "settings" not found' in cluster.kubectl("get", "events", "-n", namespace).output,
        "an event FailedMount",
        timeout=60,
    )
    assert "ContainerCreating" in cluster.kubectl("get", "pod", "early", "-n", namespace).output
    apply(cluster, namespace, config_map("settings", rate="0.3"))
    waiting.wait_for(cluster, "pod/early", "jsonpath={.status.phase}=Succeeded", namespace, timeout=150)


def test_environment_comes_from_every_source_in_order(cluster: Cluster, namespace: str) -> None:
    def reference(kind: str, **fields: str) -> dict:
        return {"valueFrom": {kind: fields}}

    environment = [
        {"name": "PLAIN", "value": "$(FROM_CONFIG)-$(LATER)-$$(PLAIN)"},
        {"name": "LATER", "value": "later"},
        {"name": "EXPANDED", "value": "$(LATER)/$(POD)"},
        {"name": "POD", **reference("fieldRef", fieldPath="metadata.name")},
        {"name": "LABEL", **reference("fieldRef", fieldPath="metadata.labels['tier']")},
        {"name": "MEMORY", **reference("resourceFieldRef", resource="limits.memory", divisor="1Mi")},
        {"name": "TOKEN", **reference("secretKeyRef", name="keys", key="token")},
        {"name": "override", "value": "mine"},
    ]
    body = pod(
        "informed",
        "import os, sys; print(*(os.environ[n] for n in sys.argv[1].split(',')), sys.argv[2])",
        env=environment,
        envFrom=[{"configMapRef": {"name": "all"}}, {"configMapRef": {"name": "all"}, "prefix": "P_"}],
        resources={"limits": {"memory": "64Mi"}},
    )
    names = "PLAIN,EXPANDED,POD,LABEL,MEMORY,TOKEN,override,P_override"
    body["spec"]["containers"][0]["args"] = [names, "$(LATER)-$(FROM_CONFIG)"]
    apply(cluster, namespace, config_map("all", FROM_CONFIG="c", override="theirs"), secret("keys", token="t"), body)
    assert output(cluster, namespace, "informed").split() == [
        "c-$(LATER)-$(PLAIN)",
        "later/$(POD)",
        "informed",
        "lab",
        "64",
        "t",
        "mine",
        "theirs",
        "later-c",
    ]


def test_missing_key_is_named(cluster: Cluster, namespace: str) -> None:
    variable = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "tokn"}}}
    apply(cluster, namespace, secret("keys", token="t"), pod("typo", "pass", env=[variable]))
    found = "jsonpath={.status.containerStatuses[0].state.waiting.reason}=CreateContainerConfigError"
    waiting.wait_for(cluster, "pod/typo", found, namespace, timeout=60)
    (status,) = cluster.get("pod", "typo", "-n", namespace)["status"]["containerStatuses"]
    assert status["state"]["waiting"]["message"] == f"couldn't find key tokn in Secret {namespace}/keys"


def test_pod_reads_its_own_fields_from_files(cluster: Cluster, namespace: str) -> None:
    items = [
        {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
        {"path": "name", "fieldRef": {"fieldPath": "metadata.name"}},
    ]
    apply(cluster, namespace, pod("self", SLEEP, {"info": {"downwardAPI": {"items": items}}}))
    waiting.wait_for(cluster, "pod/self", "Ready", namespace, timeout=60)
    assert execute(cluster, namespace, "self", "cat", "/info/labels").splitlines() == ['app="self"', 'tier="lab"']
    cluster.kubectl("label", "pod", "self", "tier=gold", "--overwrite", "-n", namespace)
    waiting.until(
        lambda: 'tier="gold"' in execute(cluster, namespace, "self", "cat", "/info/labels"), "the new label", timeout=90
    )


def test_projected_volume_joins_its_sources(cluster: Cluster, namespace: str) -> None:
    sources = [
        {"configMap": {"name": "settings"}},
        {"secret": {"name": "keys", "items": [{"key": "token", "path": "secrets/token"}]}},
        {"downwardAPI": {"items": [{"path": "who", "fieldRef": {"fieldPath": "metadata.name"}}]}},
        {"serviceAccountToken": {"path": "jwt", "audience": "mlflow", "expirationSeconds": 600}},
    ]
    code = "print(*(open('/all/' + n).read() for n in ('rate', 'secrets/token', 'who')), open('/all/jwt').read().count('.'))"
    apply(
        cluster,
        namespace,
        config_map("settings", rate="0.1"),
        secret("keys", token="t"),
        pod("joined", code, {"all": {"projected": {"sources": sources}}}),
    )
    assert output(cluster, namespace, "joined") == "0.1 t joined 2\n"


def test_service_account_of_a_pod_reaches_the_api_server_with_its_rights(cluster: Cluster, namespace: str) -> None:
    code = (
        "import kubernetes as k; k.config.load_incluster_config(); api = k.client.CoreV1Api()\n"
        f"print(len(api.list_namespaced_pod('{namespace}').items))\n"
        "try: api.list_node()\nexcept k.client.ApiException as e: print(e.status)"
    )
    cluster.kubectl("create", "role", "reader", "--verb=list", "--resource=pods", "-n", namespace)
    cluster.kubectl(
        "create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={namespace}:default", "-n", namespace
    )
    apply(cluster, namespace, pod("client", code))
    assert output(cluster, namespace, "client").split() == ["1", "403"]


def test_paths_of_mounts_are_found_in_command_arguments_variables_and_code(cluster: Cluster, namespace: str) -> None:
    body = pod("paths", "", {"data": {"emptyDir": {}}})
    code = "import os, pathlib, shutil, sys; shutil.copy('/data/a', '/data/b'); print(sorted(os.listdir('/data')), pathlib.Path(os.environ['TARGET']).read_text())"
    body["spec"]["containers"][0] |= {
        "command": ["sh", "-c", f'echo -n text > /data/a && cat /data/a && exec python -c "{code}"'],
        "env": [{"name": "TARGET", "value": "/data/b"}],
        "workingDir": "/data",
    }
    apply(cluster, namespace, body)
    assert output(cluster, namespace, "paths") == "text['a', 'b'] text\n"


def test_what_a_container_writes_outside_its_volumes_is_lost_when_it_restarts(cluster: Cluster, namespace: str) -> None:
    code = "import os; print(os.path.exists('seen'), flush=True); open('seen', 'w').close(); raise SystemExit(1)"
    body = pod("forgetful", code)
    body["spec"]["restartPolicy"] = "OnFailure"
    apply(cluster, namespace, body)
    restarted = "jsonpath={.status.containerStatuses[?(@.restartCount>0)].name}=main"
    waiting.wait_for(cluster, "pod/forgetful", restarted, namespace, timeout=60)
    # To its end: the second start may not have printed yet.
    assert cluster.kubectl("logs", "--follow", "forgetful", "-n", namespace).output == "False\n"
