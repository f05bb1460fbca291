"""The pods of the lab's Workflow: what the controller makes of its templates keeps the rules of a restricted namespace."""

from typing import Any

import kubernetes_validate
import pytest

from labsupport.cluster import lab, show, versions
from labsupport.workflows import argo, pods
from tests.manifests.test_programs_of_pods import load

FOLDER = lab.manifests_of("603")
VERSION = ".".join(versions.KUBERNETES.split(".")[:2])
FILES = ("training.yaml", "elsewhere/object-store.yaml")
TEMPLATES = [
    pytest.param(workflow, template, id=f"{file}-{template['name']}")
    for file in FILES
    for workflow in show.documents(FOLDER / file)
    for template in workflow["spec"]["templates"]
    if "container" in template
]


@pytest.mark.parametrize(("workflow", "template"), TEMPLATES)
def test_each_pod_is_valid_and_may_not_do_more_than_it_must(workflow: dict[str, Any], template: dict[str, Any]) -> None:
    workflow = {**workflow, "metadata": {**workflow["metadata"], "uid": "u-1"}}
    inputs = {f"inputs.parameters.{one['name']}": "x" for one in (template.get("inputs") or {}).get("parameters", [])}
    pod = pods.of_task(workflow, template, "training.one", argo.scope_of(workflow) | inputs)
    kubernetes_validate.validate(pod, VERSION, strict=True)
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    assert pod["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = pod["spec"]["containers"]
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["resources"]["requests"].keys() >= {"cpu", "memory"}
    assert "memory" in container["resources"]["limits"]
    assert container["image"] == "labs-serve:1.0"
    # With a read-only root a step may write on its volumes only.
    places = [mount["mountPath"] for mount in container["volumeMounts"]]
    for output in (template.get("outputs") or {}).get("parameters", []):
        assert any(output["valueFrom"]["path"].startswith(f"{place}/") for place in places)


def test_the_steps_find_all_that_they_need_in_their_image() -> None:
    code = "import labsupport.apps.pipeline, httpx, mlflow, pandas, pyarrow.parquet, skops.io, sklearn.linear_model\n"
    ended = load("labs-serve", code + "from labsupport import tracking\nfrom labsupport.tracking import runs\n")
    assert ended.returncode == 0, ended.stderr
