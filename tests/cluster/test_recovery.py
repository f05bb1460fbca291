"""What becomes of pods whose cluster is stopped, kept and started again."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labsupport.cluster import waiting
from labsupport.cluster.pocket.layout import Layout
from labsupport.cluster.pocket.runtime import PocketCluster

SLEEP = "import time; time.sleep(600)"
# Ends well when it is interrupted, though its work is not done.
INTERRUPTED = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); time.sleep(600)"
WORK = [{"name": "work", "mountPath": "/work"}]


def container(code: str, **fields: object) -> dict:
    return {"name": "main", "image": "labs-serve:dev", "command": ["python", "-c", code], **fields}


def pod(name: str, main: dict, **spec: object) -> dict:
    body = {"containers": [main], "terminationGracePeriodSeconds": 1, **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": body}


@pytest.fixture(scope="module")
def restarted(kubernetes_programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PocketCluster]:
    """Return a cluster that was stopped and started again with pods of all kinds in it."""
    cluster = PocketCluster(Layout(tmp_path_factory.mktemp("restarted") / "pocket"))
    try:
        cluster.up()
        count = "import time; open('/work/starts', 'a').write('x'); time.sleep(600)"
        never = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1}
        job = {"template": {"spec": {"containers": [container(INTERRUPTED)], **never}}}
        items = [
            pod("server", container(count, volumeMounts=WORK), volumes=[{"name": "work", "emptyDir": {}}]),
            pod("done", container("print('trained')"), restartPolicy="Never"),
            pod("once", container(SLEEP), restartPolicy="Never"),
            {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "training"}, "spec": job},
        ]
        body = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        cluster.kubectl("apply", "-f", "-", stdin=body)
        waiting.wait_for(cluster, "pod/done", "jsonpath={.status.phase}=Succeeded", timeout=60)
        for target in ("pod/server", "pod/once"):
            waiting.wait_for(cluster, target, "Ready", timeout=60)
        waiting.wait_for(cluster, "job/training", "jsonpath={.status.ready}=1", timeout=60)
        cluster.down(keep=True)
        cluster.up()
        yield cluster
    finally:
        cluster.down()


def status(cluster: PocketCluster, name: str) -> dict:
    return dict(cluster.get("pod", name)["status"]["containerStatuses"][0])


def test_server_runs_again_with_its_volume_and_is_counted(restarted: PocketCluster) -> None:
    waiting.wait_for(restarted, "pod/server", "Ready", timeout=60)
    assert status(restarted, "server")["restartCount"] == 1
    waiting.until(
        lambda: restarted.kubectl("exec", "server", "--", "cat", "/work/starts").output == "xx", "the second start", 60
    )


def test_finished_pod_keeps_its_logs_and_can_be_deleted(restarted: PocketCluster) -> None:
    assert restarted.kubectl("logs", "done").output == "trained\n"
    assert "Completed" in restarted.kubectl("get", "pod", "done").output
    started = time.monotonic()
    restarted.kubectl("delete", "pod", "done")
    assert time.monotonic() - started < 25


def test_pod_that_may_run_only_once_has_failed(restarted: PocketCluster) -> None:
    waiting.wait_for(restarted, "pod/once", "jsonpath={.status.phase}=Failed", timeout=60)
    assert status(restarted, "once")["state"]["terminated"]["reason"] == "ContainerStatusUnknown"


def test_interrupted_job_is_not_taken_for_done(restarted: PocketCluster) -> None:
    waiting.wait_for(restarted, "job/training", "jsonpath={.status.failed}=1", timeout=60)
    waiting.wait_for(restarted, "job/training", "jsonpath={.status.ready}=1", timeout=60)
    assert not restarted.get("job", "training")["status"].get("succeeded")
