"""Jobs on a real cluster: made anew with a change, waited for, read; and pods of an Indexed Job that find each other by name."""

import json
from typing import cast

import pytest

from labsupport.cluster import jobs
from labsupport.cluster.interface import Cluster
from labsupport.cluster.lab import Lab
from labsupport.cluster.snapshot import Snapshot

# Each pod listens under its own name, calls its right neighbour by name, and prints both ends of what it heard and said.
MEET = """
import json, os, socket, sys, time
rank, workers = int(os.environ["JOB_COMPLETION_INDEX"]), 3
def until_known(attempt):
    for _ in range(200):
        try:
            return attempt()
        except OSError:
            time.sleep(0.1)
    raise SystemExit("never")
mine = until_known(lambda: socket.create_server((f"meet-{rank}.circle", 7000)))
right = until_known(lambda: socket.create_connection((f"meet-{(rank + 1) % workers}.circle", 7000), timeout=5))
right.sendall(f"from {rank}".encode())
caller, _ = mine.accept()
print(json.dumps({"heard": caller.recv(20).decode()}))
"""
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "circle"},
    "spec": {"clusterIP": "None", "selector": {"app": "meet"}, "ports": [{"port": 7000}]},
}


def job(code: str, name: str = "meet", **spec: object) -> dict:
    container = {"name": "main", "image": "labs-serve:1.0", "command": ["python", "-c", code]}
    pod = {
        "restartPolicy": "Never",
        "subdomain": "circle",
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
    }
    template = {"metadata": {"labels": {"app": name}}, "spec": pod}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"backoffLimit": 0, "template": template, **spec},
    }


def uid_of_job(lab: Lab) -> str:
    found = lab.snapshot().get("Job", "meet")
    assert found is not None
    return str(found["metadata"]["uid"])


@pytest.fixture
def lab(cluster: Cluster, namespace: str, tmp_path) -> Lab:
    made = Lab("606", cluster)
    made.namespace, made.manifests = namespace, tmp_path
    return made


def test_pods_of_an_indexed_job_find_each_other_by_the_names_of_a_headless_service(lab: Lab) -> None:
    lab.apply(SERVICE)
    lab.apply(job(MEET, completionMode="Indexed", completions=3, parallelism=3))
    assert jobs.ended(lab, "meet", 60) == "Job meet: Complete"
    assert [one["heard"] for one in jobs.reports(lab.snapshot(), "meet")] == ["from 2", "from 0", "from 1"]


def test_a_pod_can_not_listen_at_the_name_of_another(lab: Lab) -> None:
    lab.apply(SERVICE)
    lab.apply(
        job(
            MEET.replace('f"meet-{rank}.circle"', '"meet-2.circle"').replace("range(200)", "range(30)"),
            completionMode="Indexed",
            completions=3,
            parallelism=3,
        )
    )
    assert jobs.ended(lab, "meet", 60) == "Job meet: Failed, BackoffLimitExceeded"


def test_a_job_is_made_anew_with_a_change_of_what_can_not_be_changed(lab: Lab, capsys) -> None:
    (lab.manifests / "job.yaml").write_text(json.dumps(job("print('{}')")))
    jobs.make(lab, "job.yaml")
    assert jobs.ended(lab, "meet", 60) == "Job meet: Complete"
    first = uid_of_job(lab)
    change = {"spec": {"template": {"spec": {"containers": [{"name": "main", "command": ["sh", "-c", "exit 4"]}]}}}}
    jobs.make(lab, "job.yaml", change)
    assert jobs.ended(lab, "meet", 60) == "Job meet: Failed, BackoffLimitExceeded"
    again = lab.snapshot()
    second = uid_of_job(lab)
    assert second != first
    assert jobs.reports(again, "meet") == []
    # The stub, and what is no change, leave it as it is.
    for nothing in (..., ["spec"]):
        jobs.make(lab, "job.yaml", nothing)
        assert uid_of_job(lab) == second
    said = capsys.readouterr().out
    assert "No change yet" in said and "it was a list" in said


def test_what_the_api_server_refuses_is_said_and_no_job_is_there(lab: Lab, capsys) -> None:
    (lab.manifests / "job.yaml").write_text(json.dumps(job("print('{}')")))
    jobs.make(lab, "job.yaml", {"spec": {"template": {"spec": {"restartPolicy": "Always"}}}})
    assert "restartPolicy: Required value" in capsys.readouterr().out
    assert jobs.ended(lab, "meet", 10) == "There is no Job meet."


def test_reports_are_of_pods_that_ended_well_in_the_order_of_their_index() -> None:
    def pod(index: int, phase: str) -> dict:
        owner = {"kind": "Job", "name": "train"}
        meta = {"name": f"train-{index}", "ownerReferences": [owner], "labels": {jobs.INDEX: str(index)}}
        return {
            "kind": "Pod",
            "metadata": meta,
            "spec": {"containers": [{"name": "worker"}]},
            "status": {"phase": phase},
        }

    pods = [pod(10, "Succeeded"), pod(2, "Succeeded"), pod(1, "Failed"), pod(3, "Succeeded")]
    logs = {"train-10/worker": '{"n": 10}', "train-2/worker": 'a word\n{"n": 2}\n', "train-1/worker": '{"n": 1}'}
    assert jobs.reports(Snapshot("x", pods, [], logs), "train") == [{"n": 2}, {"n": 10}]


def test_log_of_a_container_that_the_kubelet_has_just_deleted_is_waited_for() -> None:
    gone = "unable to retrieve container logs for containerd://28979b43914d3181969e6d177520a665c3449f078171a1aeed3a28cf9ba615e7"
    answers = iter((gone, gone, '{"begins_at_update": 60, "of": 60}\n{"digest": "4fb5ffd11c96"}'))

    class Answering:
        def ask(self, line: str) -> str:
            assert line == "kubectl logs deployment/training --previous"
            return next(answers)

    lines = jobs.lines(cast(Lab, Answering()), "deployment/training --previous", "digest")
    assert lines == [{"digest": "4fb5ffd11c96"}]


def test_target_without_a_log_has_no_lines() -> None:
    class Refusing:
        def ask(self, line: str) -> str:
            return 'Error from server (NotFound): jobs.batch "night" not found'

    assert jobs.lines(cast(Lab, Refusing()), "job/night", "night") == []
