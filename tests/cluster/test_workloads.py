"""What Deployments, Jobs and Pods do on a node: start in order, restart, become ready, end."""

import json
import threading
import urllib.request
from collections import Counter

import pytest

from labsupport.cluster import waiting
from labsupport.cluster.interface import Cluster

SLEEP = "import time; time.sleep(600)"
# Answers only when its second is over and then tells its version; ends when its last request is answered.
SERVER = """
import http.server, os, signal, socketserver, sys, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = os.environ["VERSION"].encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *arguments): pass
class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = False
server = Server((sys.argv[1], 8000), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever(poll_interval=0.05)
server.server_close()
"""


def container(code: str, name: str = "main", **fields: object) -> dict:
    return {"name": name, "image": "labs-serve:dev", "command": ["python", "-c", code], **fields}


def pod(name: str, *containers: dict, **spec: object) -> dict:
    spec = {"containers": list(containers), "terminationGracePeriodSeconds": 1, **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": spec}


def template(name: str, *containers: dict, **spec: object) -> dict:
    return {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": list(containers), "terminationGracePeriodSeconds": 1, **spec},
    }


def workload(kind: str, name: str, body: dict, api: str = "apps/v1", **spec: object) -> dict:
    selector = {} if kind == "Job" else {"selector": {"matchLabels": {"app": name}}}
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, "spec": {**selector, "template": body, **spec}}


def web(version: str, replicas: int = 3) -> dict:
    serving = container(
        SERVER,
        args=["0.0.0.0"],
        env=[{"name": "VERSION", "value": version}],
        ports=[{"name": "http", "containerPort": 8000}],
        readinessProbe={"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1},
        lifecycle={"preStop": {"sleep": {"seconds": 1}}},
    )
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    body = template("web", serving, terminationGracePeriodSeconds=5)
    return workload("Deployment", "web", body, replicas=replicas, strategy=rolling)


def service(name: str, port: int = 8000) -> dict:
    spec = {"selector": {"app": name}, "ports": [{"port": port, "targetPort": port}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def apply(cluster: Cluster, namespace: str, *items: dict) -> None:
    body = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=body)


def status(cluster: Cluster, namespace: str, name: str) -> dict:
    return dict(cluster.get("pod", name, "-n", namespace)["status"])


def until_phase(cluster: Cluster, namespace: str, name: str, phase: str, timeout: float = 20) -> None:
    waiting.wait_for(cluster, f"pod/{name}", f"jsonpath={{.status.phase}}={phase}", namespace, timeout)


def logs(cluster: Cluster, namespace: str, name: str, *options: str) -> str:
    return cluster.kubectl("logs", name, "-n", namespace, *options).output


def events(cluster: Cluster, namespace: str, name: str) -> dict[str, str]:
    """Return the last message of each reason that was said of an object."""
    found = cluster.get("events", "-n", namespace, "--field-selector", f"involvedObject.name={name}")["items"]
    return {event["reason"]: event["message"] for event in found}


def until_event(cluster: Cluster, namespace: str, name: str, reason: str, timeout: float = 15) -> str:
    return waiting.until(
        lambda: events(cluster, namespace, name).get(reason, ""),
        f"an event {reason} of {name}",
        timeout,
        explain=lambda: str(events(cluster, namespace, name)),
    )


class Clients:
    """Clients that ask a Service without pause and count its answers and failures."""

    def __init__(self, url: str, number: int = 3) -> None:
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(url,)) for _ in range(number)]

    def __enter__(self) -> "Clients":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, url: str) -> None:
        while not self._stop.wait(0.01):
            try:
                with urllib.request.urlopen(url, timeout=60) as answer:
                    self.answers[answer.read().decode()] += 1
            except OSError as error:
                self.failures.append(repr(error))


@pytest.mark.needs("service-addresses")
def test_rolling_update_and_rollback_fail_no_request(cluster: Cluster, namespace: str) -> None:
    apply(cluster, namespace, web("one"), service("web"))
    waiting.wait_for(cluster, "deployment/web", "rolled-out", namespace, timeout=60)
    with cluster.reach("web", 8000, namespace) as url:
        waiting.until(lambda: urllib.request.urlopen(url, timeout=5).read() == b"one", "the Service answers", 60)
        with Clients(url) as clients:
            apply(cluster, namespace, web("two"))
            waiting.wait_for(cluster, "deployment/web", "rolled-out", namespace, timeout=40)
            waiting.until(lambda: clients.answers["two"] > 10, "the new version answers", 60)
            cluster.kubectl("rollout", "undo", "deployment/web", "-n", namespace)
            waiting.wait_for(cluster, "deployment/web", "rolled-out", namespace, timeout=40)
            before = clients.answers["one"]
            waiting.until(lambda: clients.answers["one"] > before + 10, "the old version answers again", 60)
    assert clients.failures == []
    assert set(clients.answers) == {"one", "two"}


def test_init_containers_run_one_after_another_before_the_main_one(cluster: Cluster, namespace: str) -> None:
    mounts = [{"name": "work", "mountPath": "/work"}]
    add = "import sys; open('/work/order', 'a').write(sys.argv[1] + ' ')"
    first, second = (container(add, name, args=[name], volumeMounts=mounts) for name in ("first", "second"))
    main = container("print(open('/work/order').read())", volumeMounts=mounts)
    volumes = [{"name": "work", "emptyDir": {}}]
    apply(
        cluster,
        namespace,
        pod("ordered", main, initContainers=[first, second], volumes=volumes, restartPolicy="Never"),
    )
    until_phase(cluster, namespace, "ordered", "Succeeded")
    assert logs(cluster, namespace, "ordered").split() == ["first", "second"]


def test_failing_init_container_keeps_the_main_one_from_starting(cluster: Cluster, namespace: str) -> None:
    init = container("raise SystemExit('no data')", "load")
    apply(cluster, namespace, pod("blocked", container(SLEEP), initContainers=[init], restartPolicy="Never"))
    until_phase(cluster, namespace, "blocked", "Failed")
    assert "Init:Error" in cluster.kubectl("get", "pod", "blocked", "-n", namespace).output
    main = status(cluster, namespace, "blocked")["containerStatuses"][0]
    assert main["state"]["waiting"]["reason"] == "PodInitializing" and not main["started"]
    assert "no data" in logs(cluster, namespace, "blocked", "-c", "load")


def test_sidecar_starts_first_serves_the_main_container_and_does_not_hold_a_job_back(
    cluster: Cluster, namespace: str
) -> None:
    serve = "import http.server; http.server.test(http.server.SimpleHTTPRequestHandler, port=8000)"
    sidecar = container(serve, "proxy", restartPolicy="Always", startupProbe={"tcpSocket": {"port": 8000}})
    main = container("import urllib.request as u; print(u.urlopen('http://localhost:8000/', timeout=5).status)")
    body = template("work", main, initContainers=[sidecar], restartPolicy="Never")
    apply(cluster, namespace, workload("Job", "work", body, "batch/v1"))
    waiting.wait_for(cluster, "job/work", "Complete", namespace, timeout=60)
    assert cluster.kubectl("logs", "job/work", "-c", "main", "-n", namespace).output == "200\n"


def test_crashing_container_is_restarted_with_growing_pauses(cluster: Cluster, namespace: str) -> None:
    apply(cluster, namespace, pod("crash", container("print('the model is gone'); raise SystemExit(3)")))

    def crashed() -> dict | None:
        # One look: at the next one it may run again.
        found = (status(cluster, namespace, "crash").get("containerStatuses") or [{}])[0]
        paused = found.get("state", {}).get("waiting", {}).get("reason") == "CrashLoopBackOff"
        return dict(found) if paused and found["restartCount"] >= 1 else None

    found = waiting.until(crashed, "it waits before its next start", 20)
    assert found["lastState"]["terminated"]["exitCode"] == 3
    assert found["state"]["waiting"]["message"].startswith("back-off ")
    assert "the model is gone" in logs(cluster, namespace, "crash", "--previous")
    assert "Back-off restarting failed container main" in until_event(cluster, namespace, "crash", "BackOff")


def test_restart_policies_say_who_comes_back(cluster: Cluster, namespace: str) -> None:
    fails, succeeds = "raise SystemExit(1)", "pass"
    apply(
        cluster,
        namespace,
        pod("never", container(fails), restartPolicy="Never"),
        pod("failing", container(fails), restartPolicy="OnFailure"),
        pod("done", container(succeeds), restartPolicy="OnFailure"),
        pod("always", container(succeeds)),
    )
    until_phase(cluster, namespace, "never", "Failed")
    until_phase(cluster, namespace, "done", "Succeeded")
    for name in ("failing", "always"):
        count = "jsonpath={.status.containerStatuses[?(@.restartCount>0)].name}=main"
        waiting.wait_for(cluster, f"pod/{name}", count, namespace, timeout=60)
    assert status(cluster, namespace, "done")["containerStatuses"][0]["restartCount"] == 0
    assert status(cluster, namespace, "never")["containerStatuses"][0]["state"]["terminated"]["reason"] == "Error"


def test_readiness_follows_its_probe(cluster: Cluster, namespace: str) -> None:
    code = "import os, time; open('ready', 'w').close(); time.sleep(600)"
    probe = {"exec": {"command": ["cat", "ready"]}, "periodSeconds": 1, "failureThreshold": 1}
    apply(cluster, namespace, pod("fickle", container(code, readinessProbe=probe)))
    waiting.wait_for(cluster, "pod/fickle", "Ready", namespace, timeout=60)
    cluster.kubectl("exec", "fickle", "-n", namespace, "--", "rm", "ready")
    waiting.wait_for(cluster, "pod/fickle", "condition=Ready=false", namespace, timeout=60)
    assert "No such file" in until_event(cluster, namespace, "fickle", "Unhealthy")
    cluster.kubectl("exec", "fickle", "-n", namespace, "--", "touch", "ready")
    waiting.wait_for(cluster, "pod/fickle", "Ready", namespace, timeout=60)
    assert status(cluster, namespace, "fickle")["containerStatuses"][0]["restartCount"] == 0


def test_liveness_probe_restarts_a_container_that_hangs(cluster: Cluster, namespace: str) -> None:
    probe = {"exec": {"command": ["test", "-e", "alive"]}, "periodSeconds": 1, "failureThreshold": 2}
    apply(cluster, namespace, pod("hung", container(SLEEP, livenessProbe=probe)))
    restarted = "jsonpath={.status.containerStatuses[?(@.restartCount>0)].name}=main"
    waiting.wait_for(cluster, "pod/hung", restarted, namespace, timeout=60)
    assert "failed liveness probe, will be restarted" in until_event(cluster, namespace, "hung", "Killing")


# Ends well when it is told to end.
POLITE = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); time.sleep(600)"


def test_a_container_that_fails_its_liveness_probe_comes_back_though_it_ends_well(
    cluster: Cluster, namespace: str
) -> None:
    probe = {"exec": {"command": ["test", "-e", "alive"]}, "periodSeconds": 1, "failureThreshold": 2}
    apply(cluster, namespace, pod("polite", container(POLITE, livenessProbe=probe), restartPolicy="OnFailure"))
    restarted = "jsonpath={.status.containerStatuses[?(@.restartCount>0)].name}=main"
    waiting.wait_for(cluster, "pod/polite", restarted, namespace, timeout=60)
    ended = status(cluster, namespace, "polite")["containerStatuses"][0]["lastState"]["terminated"]
    assert ended["exitCode"] == 0


def test_a_container_that_never_restarts_is_ended_by_its_liveness_probe_for_good(
    cluster: Cluster, namespace: str
) -> None:
    probe = {"exec": {"command": ["test", "-e", "alive"]}, "periodSeconds": 1, "failureThreshold": 2}
    apply(cluster, namespace, pod("once", container(POLITE, livenessProbe=probe), restartPolicy="Never"))
    waiting.wait_for(cluster, "pod/once", "jsonpath={.status.phase}=Succeeded", namespace, timeout=60)
    assert until_event(cluster, namespace, "once", "Killing").endswith("failed liveness probe")


def test_startup_probe_gives_a_slow_container_time(cluster: Cluster, namespace: str) -> None:
    code = "import time; time.sleep(2); open('loaded', 'w').close(); time.sleep(600)"
    command = {"exec": {"command": ["cat", "loaded"]}, "periodSeconds": 1}
    slow = container(
        code, startupProbe={**command, "failureThreshold": 10}, livenessProbe={**command, "failureThreshold": 1}
    )
    apply(cluster, namespace, pod("slow", slow))
    waiting.wait_for(cluster, "pod/slow", "Ready", namespace, timeout=60)
    found = status(cluster, namespace, "slow")["containerStatuses"][0]
    assert found["restartCount"] == 0 and found["started"]


def test_wrong_probe_port_is_told_as_a_refused_connection(cluster: Cluster, namespace: str) -> None:
    probe = {"httpGet": {"path": "/", "port": 9999}, "periodSeconds": 1}
    apply(cluster, namespace, pod("wrong", container(SLEEP, readinessProbe=probe)))
    message = until_event(cluster, namespace, "wrong", "Unhealthy")
    assert message.startswith("Readiness probe failed: Get") and "connect: connection refused" in message


def test_pre_stop_runs_before_sigterm_and_grace_is_kept(cluster: Cluster, namespace: str) -> None:
    code = (
        "import signal, sys, time\n"
        "def end(*_): print('SIGTERM after', open('/out/hook').read(), flush=True); open('/out/end', 'w').write('clean'); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\nopen('/out/up', 'w').close()\ntime.sleep(600)"
    )
    mounts = [{"name": "out", "mountPath": "/out"}]
    hook = {"preStop": {"exec": {"command": ["sh", "-c", "sleep 0.5; echo hook > /out/hook"]}}}
    main = container(
        code, lifecycle=hook, volumeMounts=mounts, readinessProbe={"exec": {"command": ["cat", "/out/up"]}}
    )
    body = pod("polite", main, volumes=[{"name": "out", "emptyDir": {}}], terminationGracePeriodSeconds=10)
    apply(cluster, namespace, body)
    waiting.wait_for(cluster, "pod/polite", "Ready", namespace, timeout=60)
    following = cluster.start_kubectl("logs", "-f", "polite", "-n", namespace)
    cluster.kubectl("delete", "pod", "polite", "-n", namespace)
    assert following.communicate(timeout=60)[0] == b"SIGTERM after hook\n\n"


def test_sidecars_end_after_the_main_container_in_reverse_order(cluster: Cluster, namespace: str) -> None:
    code = (
        "import signal, sys, time\n"
        "def end(*_): print(time.time(), flush=True); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\nopen('/work/' + sys.argv[1], 'w').close()\ntime.sleep(600)"
    )
    mounts = [{"name": "work", "mountPath": "/work"}]
    sidecars = [
        container(
            code,
            name,
            args=[name],
            restartPolicy="Always",
            volumeMounts=mounts,
            startupProbe={"exec": {"command": ["cat", f"/work/{name}"]}, "periodSeconds": 1},
        )
        for name in ("first", "second")
    ]
    main = container("import time; print(time.time())")
    volumes = [{"name": "work", "emptyDir": {}}]
    apply(cluster, namespace, pod("order", main, initContainers=sidecars, volumes=volumes, restartPolicy="Never"))
    until_phase(cluster, namespace, "order", "Succeeded")
    ended = [float(logs(cluster, namespace, "order", "-c", name)) for name in ("main", "second", "first")]
    assert ended == sorted(ended)


def test_post_start_runs_beside_the_container_and_its_failure_ends_it(cluster: Cluster, namespace: str) -> None:
    def hook(*command: str) -> dict:
        return {"postStart": {"exec": {"command": list(command)}}}

    apply(
        cluster,
        namespace,
        pod("warm", container(SLEEP, lifecycle=hook("sh", "-c", "echo warm > note"))),
        pod("cold", container(SLEEP, lifecycle=hook("sh", "-c", "exit 7")), restartPolicy="Never"),
    )
    until_phase(cluster, namespace, "cold", "Failed")
    assert until_event(cluster, namespace, "cold", "FailedPostStartHook")
    waiting.wait_for(cluster, "pod/warm", "Ready", namespace, timeout=60)
    assert cluster.kubectl("exec", "warm", "-n", namespace, "--", "cat", "note").output == "warm\n"


def test_deadline_ends_a_pod(cluster: Cluster, namespace: str) -> None:
    apply(cluster, namespace, pod("late", container(SLEEP), activeDeadlineSeconds=1))
    until_phase(cluster, namespace, "late", "Failed")
    found = status(cluster, namespace, "late")
    assert found["reason"] == "DeadlineExceeded"
    assert found["message"] == "Pod was active on the node longer than the specified deadline"


def test_container_above_its_memory_limit_is_oom_killed(cluster: Cluster, namespace: str) -> None:
    greedy = container("x = b'1' * 150_000_000; import time; time.sleep(600)")
    greedy["resources"] = {"limits": {"memory": "64Mi"}}
    apply(cluster, namespace, pod("greedy", greedy, restartPolicy="Never"))
    until_phase(cluster, namespace, "greedy", "Failed")
    ended = status(cluster, namespace, "greedy")["containerStatuses"][0]["state"]["terminated"]
    assert (ended["reason"], ended["exitCode"]) == ("OOMKilled", 137)
    assert "OOMKilled" in cluster.kubectl("get", "pod", "greedy", "-n", namespace).output


def test_last_words_of_a_container_are_its_termination_message(cluster: Cluster, namespace: str) -> None:
    told = container("open('/dev/termination-log', 'w').write('loss is NaN'); raise SystemExit(1)", "told")
    logged = container("raise SystemExit('no GPU')", "logged", terminationMessagePolicy="FallbackToLogsOnError")
    apply(cluster, namespace, pod("words", told, logged, restartPolicy="Never"))
    until_phase(cluster, namespace, "words", "Failed")
    states = {
        one["name"]: one["state"]["terminated"] for one in status(cluster, namespace, "words")["containerStatuses"]
    }
    assert states["told"]["message"] == "loss is NaN" and states["logged"]["message"] == "no GPU\n"


def test_indexed_job_gives_each_pod_its_index(cluster: Cluster, namespace: str) -> None:
    code = "import os, socket; print(os.environ['JOB_COMPLETION_INDEX'], socket.gethostname())"
    body = template("shards", container(code), restartPolicy="Never")
    spec = {"completions": 3, "parallelism": 3, "completionMode": "Indexed"}
    apply(cluster, namespace, workload("Job", "shards", body, "batch/v1", **spec))
    waiting.wait_for(cluster, "job/shards", "Complete", namespace, timeout=60)
    said = cluster.kubectl("logs", "-l", "app=shards", "-n", namespace).output.splitlines()
    assert sorted(said) == ["0 shards-0", "1 shards-1", "2 shards-2"]


def test_job_that_fails_too_often_is_given_up(cluster: Cluster, namespace: str) -> None:
    body = template("doomed", container("raise SystemExit(2)"), restartPolicy="Never")
    apply(cluster, namespace, workload("Job", "doomed", body, "batch/v1", backoffLimit=0))
    waiting.wait_for(cluster, "job/doomed", "Failed", namespace, timeout=60)
    (condition,) = [
        one for one in cluster.get("job", "doomed", "-n", namespace)["status"]["conditions"] if one["type"] == "Failed"
    ]
    assert condition["reason"] == "BackoffLimitExceeded"


def test_cron_job_is_run_by_hand(cluster: Cluster, namespace: str) -> None:
    body = {"spec": {"template": template("nightly", container("print('trained')"), restartPolicy="Never")}}
    cron = {"schedule": "0 3 * * *", "jobTemplate": body}
    apply(
        cluster,
        namespace,
        {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly"}, "spec": cron},
    )
    cluster.kubectl("create", "job", "now", "--from=cronjob/nightly", "-n", namespace)
    waiting.wait_for(cluster, "job/now", "Complete", namespace, timeout=60)
    assert cluster.kubectl("logs", "job/now", "-n", namespace).output == "trained\n"


def test_daemon_set_has_a_pod_on_each_node(cluster: Cluster, namespace: str) -> None:
    apply(cluster, namespace, workload("DaemonSet", "agent", template("agent", container(SLEEP))))
    waiting.wait_for(cluster, "daemonset/agent", "rolled-out", namespace, timeout=60)
    found = cluster.get("daemonset", "agent", "-n", namespace)["status"]
    assert found["numberReady"] == found["desiredNumberScheduled"] == len(cluster.get("nodes")["items"])


def test_disruption_budget_stops_an_eviction(cluster: Cluster, namespace: str) -> None:
    budget = {"minAvailable": 2, "selector": {"matchLabels": {"app": "pair"}}}
    apply(
        cluster,
        namespace,
        workload("Deployment", "pair", template("pair", container(SLEEP)), replicas=2),
        {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "pair"}, "spec": budget},
    )
    waiting.wait_for(cluster, "deployment/pair", "rolled-out", namespace, timeout=60)
    waiting.wait_for(cluster, "pdb/pair", "jsonpath={.status.currentHealthy}=2", namespace, timeout=60)
    name = cluster.get("pods", "-n", namespace)["items"][0]["metadata"]["name"]
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": namespace}}
    path = f"/api/v1/namespaces/{namespace}/pods/{name}/eviction"
    refused = cluster.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction), check=False)
    assert not refused.ok and "Cannot evict pod as it would violate the pod's disruption budget" in refused.errors


def test_deployment_replaces_a_deleted_pod(cluster: Cluster, namespace: str) -> None:
    apply(cluster, namespace, workload("Deployment", "web", template("web", container(SLEEP)), replicas=1))
    waiting.wait_for(cluster, "deployment/web", "rolled-out", namespace, timeout=60)
    (before,) = cluster.get("pods", "-n", namespace)["items"]
    cluster.kubectl("delete", "pod", before["metadata"]["name"], "-n", namespace)
    waiting.wait_for(cluster, "deployment/web", "Available", namespace, timeout=60)
    waiting.wait_for(cluster, "deployment/web", "jsonpath={.status.readyReplicas}=1", namespace, timeout=60)
    after = [one for one in cluster.get("pods", "-n", namespace)["items"] if "deletionTimestamp" not in one["metadata"]]
    assert [one["metadata"]["uid"] for one in after] != [before["metadata"]["uid"]]


def test_readiness_gate_is_opened_by_somebody_else(cluster: Cluster, namespace: str) -> None:
    apply(cluster, namespace, pod("gated", container(SLEEP), readinessGates=[{"conditionType": "labs/warm"}]))
    waiting.wait_for(cluster, "pod/gated", "ContainersReady", namespace, timeout=60)
    assert cluster.kubectl("wait", "pod/gated", "-n", namespace, "--for=condition=Ready=false", "--timeout=5s").ok
    opened = {"status": {"conditions": [{"type": "labs/warm", "status": "True"}]}}
    cluster.kubectl("patch", "pod", "gated", "-n", namespace, "--subresource=status", "-p", json.dumps(opened))
    waiting.wait_for(cluster, "pod/gated", "Ready", namespace, timeout=60)


def test_pod_that_is_deleted_while_it_starts_is_gone_soon(cluster: Cluster, namespace: str) -> None:
    for number in range(4):
        apply(cluster, namespace, pod(f"brief-{number}", container(SLEEP), terminationGracePeriodSeconds=2))
    cluster.kubectl("delete", "pods", "--all", "-n", namespace, "--timeout=20s", timeout=25)
    assert cluster.get("pods", "-n", namespace)["items"] == []


def test_forced_deletion_leaves_no_process(cluster: Cluster, namespace: str) -> None:
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    mounts = [{"name": "out", "mountPath": "/out"}]
    apply(
        cluster,
        namespace,
        pod("stubborn", container(stubborn, volumeMounts=mounts), volumes=[{"name": "out", "emptyDir": {}}]),
    )
    waiting.wait_for(cluster, "pod/stubborn", "Ready", namespace, timeout=60)
    cluster.kubectl("delete", "pod", "stubborn", "-n", namespace, "--force", "--grace-period=0")
    gone = cluster.kubectl("get", "pod", "stubborn", "-n", namespace, check=False)
    assert "NotFound" in gone.errors
