"""What a Workflow does on every cluster: with Argo's controller on kind, with ours on pocket."""

import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from labsupport.cluster import argo, lab, waiting
from labsupport.cluster.interface import Cluster
from labsupport.cluster.kind.runtime import KindCluster
from labsupport.cluster.lab import Lab
from labsupport.errors import LabsError
from tests import kit

Object = dict[str, Any]
LOCKED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
HASH = {"outputs": {"parameters": [{"name": "word", "valueFrom": {"path": "/out/word"}}]}}


@pytest.fixture(scope="module")
def place(cluster: Cluster) -> Iterator[Lab]:
    """Return lab 603's namespace with a controller of Workflows."""
    if isinstance(cluster, KindCluster) and (program := kit.find()):
        environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig)}
        subprocess.run([program, "addon", "argo", cluster.cluster], env=environment, check=True)
        # It brought the images; the controller shall be as learners get it.
        cluster.kubectl("delete", "deployment/workflow-controller", "-n", "argo")
    made = lab.checkpoint(cluster, "603")
    try:
        argo.define(made)
        argo.control(made)
    except LabsError as error:
        lab.cleanup(cluster, "603")
        pytest.skip(f"there is no controller of Workflows here: {error}"[:300])
    yield made
    lab.cleanup(cluster, "603")


def workflow(place: Lab, name: str, tasks: list[Object], **templates: Object) -> Object:
    """Return a Workflow of shell commands, with the volumes and rights of the lab's own; `templates`: command and more."""
    item = place.objects("training.yaml")[0]
    item["metadata"]["name"] = name
    container = {
        key: item["spec"]["templates"][0]["container"][key] for key in ("image", "imagePullPolicy", "workingDir")
    }
    container |= {"resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}}}
    container |= {"securityContext": LOCKED, "volumeMounts": item["spec"]["templates"][0]["container"]["volumeMounts"]}
    item["spec"]["templates"] = [{"name": "main", "dag": {"tasks": tasks}}]
    for key, more in templates.items():
        script = more.pop("script")
        own = {
            "name": key,
            "metadata": {"labels": {"labs/step": key}},
            "container": {**container, "command": ["sh", "-c", script]},
            **more,
        }
        item["spec"]["templates"].append(own)
    return item


def task(name: str, *dependencies: str, **more: Any) -> Object:
    return {"name": name, "template": name} | ({"dependencies": list(dependencies)} if dependencies else {}) | more


def nodes(ended: Object) -> dict[str, Object]:
    return {node["displayName"]: node for node in argo.nodes_of(ended)}


def test_a_value_goes_along_the_graph_and_a_file_beside_it(place: Lab) -> None:
    given = {"arguments": {"parameters": [{"name": "word", "value": "{{tasks.say.outputs.parameters.word}}"}]}}
    check = {"script": "test {{inputs.parameters.word}} = hello && test $(cat /work/{{workflow.uid}}) = file"}
    ended = argo.submit(
        place,
        workflow(
            place,
            "values",
            [task("say"), task("hear", "say", **given)],
            say={"script": "printf hello > /out/word; echo file > /work/{{workflow.uid}}", **HASH},
            hear={**check, "inputs": {"parameters": [{"name": "word"}]}},
        ),
    )
    assert ended["status"]["phase"] == "Succeeded", ended["status"]
    assert nodes(ended)["say"]["outputs"]["parameters"][0]["value"] == "hello"


def test_a_failing_step_is_tried_again_and_what_follows_is_omitted(place: Lab) -> None:
    ended = argo.submit(
        place,
        workflow(
            place,
            "fails",
            [task("fail"), task("after", "fail")],
            fail={"script": "exit 3", "retryStrategy": {"limit": 1}},
            after={"script": "true"},
        ),
    )
    found = nodes(ended)
    assert ended["status"]["phase"] == "Failed"
    assert [found[name]["phase"] for name in ("fail", "fail(0)", "fail(1)")] == ["Failed"] * 3
    assert "exit code 3" in found["fail(1)"]["message"]
    assert found.get("after", {"phase": "Omitted"})["phase"] == "Omitted"


def test_a_task_whose_when_does_not_hold_is_skipped_and_the_whole_succeeds(place: Lab) -> None:
    gate = {"when": "{{tasks.judge.outputs.parameters.word}} == better"}
    ended = argo.submit(
        place,
        workflow(
            place,
            "gate",
            [task("judge"), task("publish", "judge", **gate)],
            judge={"script": "printf worse > /out/word", **HASH},
            publish={"script": "exit 1"},
        ),
    )
    assert ended["status"]["phase"] == "Succeeded"
    assert nodes(ended)["publish"]["phase"] == "Skipped"


def test_without_an_entrypoint_it_is_refused_with_an_event(place: Lab) -> None:
    place.ask("kubectl delete workflow ml-training-pipeline --ignore-not-found")
    place.apply("broken/handout.yaml")
    ended = argo.end_of(place, "ml-training-pipeline")
    assert ended["status"]["phase"] in ("Failed", "Error")
    assert "entrypoint" in ended["status"]["message"]

    def said() -> list[str]:
        return [one for one in place.snapshot().messages("Workflow", "ml-training") if "entrypoint" in one]

    assert waiting.until(said, "an event names the entrypoint")[0].startswith("WorkflowFailed: ")


def test_a_failed_workflow_goes_on_where_it_failed(place: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    steps = [task("first"), task("second", "first")]
    one = {"script": "test ! -e /work/once && touch /work/once"}
    item = workflow(place, "again", steps, first=one, second={"script": "test -e /work/repaired"})
    before = argo.submit(place, item)
    assert before["status"]["phase"] == "Failed"
    assert nodes(before)["first"]["phase"] == "Succeeded"
    argo.submit(place, workflow(place, "repair", [task("repair")], repair={"script": "touch /work/repaired"}))
    argo.retry(place, "again")
    after = argo.end_of(place, "again")
    assert after["status"]["phase"] == "Succeeded", after["status"]
    assert nodes(after)["first"]["startedAt"] == nodes(before)["first"]["startedAt"]
    argo.retry(place, "again")
    assert "only one that failed" in capsys.readouterr().out


def test_a_pod_that_is_taken_away_is_replaced_where_the_policy_says_always(place: Lab) -> None:
    script = "test -e /work/seen && exit 0; touch /work/seen; sleep 300"
    strategy = {"retryStrategy": {"limit": 1, "retryPolicy": "Always"}}
    place.apply(workflow(place, "drained", [task("work")], work={"script": script, **strategy}))
    pod = argo.running_pod(place, "drained", "work")
    look = ("exec", pod, "-n", place.namespace, "-c", "main", "--", "test", "-e", "/work/seen")
    waiting.until(lambda: place.cluster.kubectl(*look, check=False).ok, "the step has begun")
    place.ask(f"kubectl delete pod {pod} --grace-period=1")
    ended = argo.end_of(place, "drained")
    assert ended["status"]["phase"] == "Succeeded", ended["status"]
    assert nodes(ended)["work(0)"]["phase"] in ("Failed", "Error")


def test_what_our_controller_does_not_know_it_refuses(place: Lab) -> None:
    if argo.is_real(place):
        pytest.skip("Argo's controller knows every field")
    place.apply("elsewhere/object-store.yaml")
    ended = argo.end_of(place, "training-s3")
    assert "spec.artifactRepositoryRef is a field that this controller does not know" in ended["status"]["message"]


def test_a_controller_that_was_killed_goes_on_with_what_there_is(place: Lab) -> None:
    steps = [task("slow"), task("last", "slow")]
    item = workflow(
        place, "killed", steps, slow={"script": "until test -e /work/go; do sleep 0.2; done"}, last={"script": "true"}
    )
    place.apply(item)
    pod = argo.running_pod(place, "killed", "slow")
    namespace = "argo" if argo.is_real(place) else place.namespace
    app = "workflow-controller" if argo.is_real(place) else "controller"
    place.cluster.kubectl("delete", "pods", "-n", namespace, "-l", f"app={app}", "--grace-period=1")
    # While nobody looks, the step ends.
    place.cluster.kubectl("exec", pod, "-n", place.namespace, "-c", "main", "--", "touch", "/work/go")
    ended = argo.end_of(place, "killed")
    assert ended["status"]["phase"] == "Succeeded"
    assert len([one for one in place.snapshot().all("Pod") if one["metadata"]["name"].startswith("killed-slow-")]) == 1
