"""Every manifest of the labs has the form its Kubernetes wants, and says of its pods what a shared cluster must know."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from labsupport import paths
from labsupport.cluster import kubectl, versions

FOLDER = paths.course_root() / "manifests"
LABS = sorted(path.parent for path in FOLDER.glob("*/namespace.yaml"))
# What lies in a folder `broken` is broken on purpose: the lab's notebook shows what is said to it.
# `elsewhere` is for other clusters: whole, and not part of the lab.
FILES = sorted(
    path
    for lab in LABS
    for folder in (lab, lab / "elsewhere")
    for path in folder.glob("*.yaml")
    if path.name != "kustomization.yaml"
)
OURS = ".".join(versions.KUBERNETES.split(".")[:2])
# Kinds of operators, whose schema is not in Kubernetes.
BUILT_IN = (
    "v1", "apps/v1", "batch/v1", "autoscaling/v2", "policy/v1", "rbac.authorization.k8s.io/v1",
    "admissionregistration.k8s.io/v1",
)  # fmt: skip
OUTSIDE = (
    "Namespace", "ClusterRole", "ClusterRoleBinding", "PersistentVolume", "CustomResourceDefinition",
    "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
)  # fmt: skip
# Programs that are not ours and write to /tmp whatever they are told: in a container with a read-only root it must be a volume.
WRITE_TO_TMP = ("chrislusf/seaweedfs",)
Object = dict[str, Any]


def objects(file: Path) -> list[Object]:
    return [item for item in yaml.safe_load_all(file.read_text()) if item]


ALL = [
    pytest.param(item, id=f"{file.relative_to(FOLDER)}-{item['kind']}-{item['metadata']['name']}")
    for file in FILES
    for item in objects(file)
]


def pod_of(item: Object) -> Object | None:
    spec = item.get("spec") or {}
    if item["kind"] == "Pod":
        return spec
    if item["kind"] == "CronJob":
        return spec["jobTemplate"]["spec"]["template"]["spec"]
    return (spec.get("template") or {}).get("spec")


def pods() -> Iterator[Any]:
    for parameter in ALL:
        manifest: Any = parameter.values[0]
        if pod_of(manifest):
            yield parameter


@pytest.mark.parametrize("item", ALL)
@pytest.mark.parametrize("version", [OURS, kubernetes_validate.latest_version()])
def test_it_has_the_form_of_our_kubernetes_and_of_the_newest(item: Object, version: str) -> None:
    if item["apiVersion"] in BUILT_IN:
        kubernetes_validate.validate(item, version, strict=True)


@pytest.mark.parametrize("item", ALL)
def test_it_says_that_it_is_part_of_the_labs(item: Object) -> None:
    labels = item["metadata"].get("labels") or {}
    assert labels.get("app.kubernetes.io/part-of") == "labs"
    # The clean-up finds by it what is outside of the lab's namespace.
    if item["kind"] in OUTSIDE:
        assert "labs/lab" in labels
    if pod_of(item) and item["kind"] not in ("Pod", "CronJob"):
        assert item["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/part-of"] == "labs"


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
def test_a_lab_has_a_namespace_of_its_own_where_pods_are_restricted(lab: Path) -> None:
    (namespace,) = objects(lab / "namespace.yaml")
    assert namespace["metadata"]["name"] == f"lab-{lab.name}"
    assert namespace["metadata"]["labels"]["labs/lab"] == lab.name
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("item", pods())
def test_a_pod_may_not_do_more_than_it_must(item: Object) -> None:
    pod = pod_of(item)
    assert pod is not None
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    # Whoever needs the API server names an account of its own.
    assert pod.get("automountServiceAccountToken") is False or pod.get("serviceAccountName")
    for container in pod["containers"] + pod.get("initContainers", []):
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize("item", pods())
def test_a_program_that_writes_to_tmp_has_a_volume_there(item: Object) -> None:
    pod = pod_of(item)
    assert pod is not None
    for container in pod["containers"]:
        if container["image"].rpartition(":")[0] in WRITE_TO_TMP:
            assert "/tmp" in [mount["mountPath"] for mount in container["volumeMounts"]]


@pytest.mark.parametrize("item", pods())
def test_a_pod_says_what_it_takes_and_names_an_image_that_stays(item: Object) -> None:
    pod = pod_of(item)
    assert pod is not None
    for container in pod["containers"] + pod.get("initContainers", []):
        assert container["resources"]["requests"].keys() >= {"cpu", "memory"}
        assert container["resources"]["limits"].keys() >= {"memory"}
        name, _, tag = container["image"].rpartition(":")
        assert name and tag and tag != "latest"
        # The labs' images are loaded, and are in no registry.
        assert not name.startswith("labs-") or container["imagePullPolicy"] == "IfNotPresent"
        for port in container.get("ports", []):
            assert port["containerPort"] >= 1024, "a pod that is not root can't listen there"


@pytest.mark.parametrize("item", pods())
def test_a_pod_that_serves_says_when_it_is_ready(item: Object) -> None:
    pod = pod_of(item)
    if item["kind"] in ("Deployment", "StatefulSet") and pod is not None:
        assert all("readinessProbe" in container for container in pod["containers"] if container.get("ports"))


@pytest.mark.parametrize("item", ALL)
def test_an_autoscaler_scales_down_at_once(item: Object) -> None:
    if item["kind"] == "HorizontalPodAutoscaler":
        assert item["spec"]["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 0


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
def test_kustomize_puts_a_lab_together(lab: Path, kubernetes_programs: Path) -> None:
    built = subprocess.run([kubectl.find(), "kustomize", lab], capture_output=True, text=True, timeout=60)
    assert built.returncode == 0, built.stderr
    made = [item for item in yaml.safe_load_all(built.stdout) if item]
    assert {item["metadata"].get("namespace", f"lab-{lab.name}") for item in made} == {f"lab-{lab.name}"}
    named = yaml.safe_load((lab / "kustomization.yaml").read_text())["resources"]
    assert sorted(f"{item['kind']}/{item['metadata']['name']}" for item in made) == sorted(
        f"{item['kind']}/{item['metadata']['name']}" for name in named for item in objects(lab / name)
    )
