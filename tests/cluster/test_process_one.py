"""A container's first process is process 1 of its PID namespace: which signals reach it, who its children are, how it ends."""

import datetime
import json

from labsupport.cluster import waiting
from labsupport.cluster.interface import Cluster

HELD = "labs.example.org/held"
SLEEP = "import time; print('up', flush=True); time.sleep(600)"
HANDLER = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(3));" + SLEEP
IGNORING = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + SLEEP
SHORT, LONG = 6, 40


def pod(name: str, grace: int, *command: str, **spec: object) -> dict:
    """Return a pod that stays to be looked at when its container has ended, until nobody holds it any more."""
    container = {"name": "main", "image": "labs-serve:dev", "command": list(command)}
    metadata = {"name": name, "finalizers": [HELD]}
    spec = {"containers": [container], "terminationGracePeriodSeconds": grace, "restartPolicy": "Never", **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def apply(cluster: Cluster, namespace: str, *items: dict) -> None:
    body = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=body)


def until_it_says(cluster: Cluster, namespace: str, name: str, words: str) -> None:
    waiting.until(
        lambda: words in cluster.kubectl("logs", name, "-n", namespace, check=False).output, f"{name}: {words}", 60
    )


def ended(cluster: Cluster, namespace: str, name: str) -> dict:
    """Return the pod when its container has ended after a deletion, and let it go."""

    def terminated() -> dict:
        found = cluster.get("pod", name, "-n", namespace)
        return found if found["status"]["containerStatuses"][0]["state"].get("terminated") else {}

    found = waiting.until(terminated, f"the container of {name} has ended", LONG + 30)
    free = json.dumps({"metadata": {"finalizers": None}})
    cluster.kubectl("patch", "pod", name, "-n", namespace, "--type=merge", "-p", free)
    return found


def finished(found: dict) -> datetime.datetime:
    """Return when a container ended, in whole seconds."""
    state = found["status"]["containerStatuses"][0]["state"]
    return datetime.datetime.fromisoformat(state["terminated"]["finishedAt"])


def code(found: dict) -> int:
    return int(found["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"])


def test_first_process_that_does_not_catch_sigterm_uses_up_its_grace(cluster: Cluster, namespace: str) -> None:
    deaf = {
        "wrapped": ["sh", "-c", f'python -c "{HANDLER}"; echo ended'],
        "plain": ["python", "-c", SLEEP],
        "ignoring": ["python", "-c", IGNORING],
    }
    hearing = {
        "handler": ["python", "-c", HANDLER],
        "exec": ["sh", "-c", f'echo begins; exec python -c "{HANDLER}"'],
        "trap": ["sh", "-c", "trap 'exit 3' TERM; echo up; sleep 600 & wait"],
    }
    pods = [pod(name, SHORT, *command) for name, command in deaf.items()]
    pods += [pod(name, LONG, *command) for name, command in hearing.items()]
    apply(cluster, namespace, *pods)
    for name in (*deaf, *hearing):
        until_it_says(cluster, namespace, name, "up")
    # Not deletionTimestamp: the node's last word moves it to the moment in which it lets the pod go.
    asked = datetime.datetime.now(datetime.UTC)
    cluster.kubectl("delete", "pod", *deaf, *hearing, "-n", namespace, "--wait=false")
    found = {name: ended(cluster, namespace, name) for name in (*hearing, *deaf)}
    used = {name: (finished(one) - asked).total_seconds() for name, one in found.items()}
    assert all(used[name] >= SHORT - 1 for name in deaf), used
    assert all(used[name] < LONG / 2 for name in hearing), used
    assert {code(found[name]) for name in deaf} == {137}
    assert {code(found[name]) for name in hearing} == {3}


def test_sigterm_goes_to_the_first_process_alone(cluster: Cluster, namespace: str) -> None:
    program = (
        "import signal, subprocess, sys, time\n"
        "child = subprocess.Popen(['python', '-c', 'import time; time.sleep(600)'])\n"
        "def end(*_):\n    time.sleep(1)\n    sys.exit(4 if child.poll() is None else 5)\n"
        "signal.signal(signal.SIGTERM, end)\nprint('up', flush=True)\nchild.wait()\ntime.sleep(600)"
    )
    apply(cluster, namespace, pod("family", LONG, "python", "-c", program))
    until_it_says(cluster, namespace, "family", "up")
    cluster.kubectl("delete", "pod", "family", "-n", namespace, "--wait=false")
    assert code(ended(cluster, namespace, "family")) == 4


def test_first_process_becomes_the_parent_of_orphans(cluster: Cluster, namespace: str) -> None:
    program = (
        "import os, subprocess\n"
        "orphan = int(subprocess.check_output(['sh', '-c', 'sleep 600 >/dev/null & echo $!']))\n"
        "parent = open(f'/proc/{orphan}/stat').read().rpartition(')')[2].split()[1]\n"
        "print('mine' if int(parent) == os.getpid() else parent, flush=True)"
    )
    apply(cluster, namespace, pod("orphanage", 1, "python", "-c", program))
    until_it_says(cluster, namespace, "orphanage", "mine")
    cluster.kubectl("delete", "pod", "orphanage", "-n", namespace, "--wait=false")
    ended(cluster, namespace, "orphanage")
