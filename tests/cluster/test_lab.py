"""A lab on a real cluster: where it begins, what it says, and that nothing of it stays."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from labsupport import paths
from labsupport.cluster import jobs, look, snapshot, waiting
from labsupport.cluster import lab as labs
from labsupport.cluster.interface import Cluster
from labsupport.cluster.kubectl import Result
from labsupport.cluster.pocket.layout import Layout
from labsupport.cluster.pocket.runtime import PocketCluster
from labsupport.cluster.timeline import follow
from labsupport.errors import LabsError
from labsupport.exercises import check, engine
from labsupport.exercises.define import Exercises
from labsupport.exercises.outcomes import Fail, NotAttempted

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a course with a lab 691, so that no test meets a lab that somebody works on."""
    folder = tmp_path / "manifests" / "691"
    folder.mkdir(parents=True)
    for file in (ROOT / "manifests" / "601").glob("*.yaml"):
        (folder / file.name).write_text(file.read_text().replace("601", "691"))
    (tmp_path / "notebooks" / "src").mkdir(parents=True)
    monkeypatch.setattr(paths, "course_root", lambda: tmp_path)
    return folder


@pytest.fixture
def lab(cluster: Cluster, course: Path):
    made = labs.checkpoint(cluster, "691")
    yield made
    labs.cleanup(cluster, "691")


def test_a_lab_begins_without_anything_of_an_earlier_try(cluster, lab, capsys) -> None:
    lab.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "old"}})
    assert capsys.readouterr().out == "configmap/old created\n"
    again = labs.checkpoint(cluster, "691")
    assert [item["metadata"]["name"] for item in again.snapshot().all("ConfigMap")] == ["kube-root-ca.crt"]


def test_a_checkpoint_brings_what_the_lab_builds_on(cluster, course) -> None:
    (course / "checkpoint.yaml").write_text(
        yaml.safe_dump({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "given"}})
    )
    try:
        assert labs.checkpoint(cluster, "691").snapshot().get("ConfigMap", "given")
    finally:
        labs.cleanup(cluster, "691")


def test_the_cleanup_takes_what_is_outside_of_the_namespace(cluster, lab) -> None:
    labels = {"app.kubernetes.io/part-of": "labs", "labs/lab": "691"}
    role = {"kind": "ClusterRole", "metadata": {"name": "labs-691-reader", "labels": labels}}
    lab.apply({"apiVersion": "rbac.authorization.k8s.io/v1", **role, "rules": []})
    assert cluster.kubectl("get", "clusterrole", "labs-691-reader").ok
    labs.cleanup(cluster, "691")
    assert not cluster.kubectl("get", "clusterrole", "labs-691-reader", check=False).ok
    assert not cluster.kubectl("get", "namespace", "lab-691", check=False).ok
    assert "691" not in labs.labs_of(cluster)
    labs.cleanup(cluster, "691")


def test_the_cleanup_takes_policies_that_the_lab_made(cluster, lab) -> None:
    labels = {"app.kubernetes.io/part-of": "labs", "labs/lab": "691"}
    group, name = "admissionregistration.k8s.io/v1", "labs-691-never"
    rules = {"resourceRules": [{"apiGroups": ["labs.test"], "apiVersions": ["v1"], "resources": ["things"], "operations": ["CREATE"]}]}  # fmt: skip
    policy = {"apiVersion": group, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name, "labels": labels}}
    binding = policy | {"kind": "ValidatingAdmissionPolicyBinding"}
    lab.apply([
        policy | {"spec": {"matchConstraints": rules, "validations": [{"expression": "false"}]}},
        binding | {"spec": {"policyName": name, "validationActions": ["Deny"]}},
    ])  # fmt: skip
    kinds = "validatingadmissionpolicies,validatingadmissionpolicybindings"
    assert cluster.kubectl("get", kinds, "-o", "name").output.count(name) == 2
    labs.cleanup(cluster, "691")
    assert name not in cluster.kubectl("get", kinds, "-o", "name").output


def test_a_snapshot_holds_objects_of_the_labs_own_kinds_once_the_cluster_knows_them(cluster, course, lab) -> None:
    kind = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.labs.test", "labels": {"app.kubernetes.io/part-of": "labs", "labs/lab": "691"}},
        "spec": {
            "group": "labs.test",
            "scope": "Namespaced",
            "names": {"kind": "Thing", "plural": "things"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}],
        },
    }  # fmt: skip
    (course / "kinds.yaml").write_text(yaml.safe_dump(kind))
    assert lab.snapshot().all("Thing") == []
    lab.apply("kinds.yaml")
    lab.wait("customresourcedefinition/things.labs.test", "Established")
    lab.apply({"apiVersion": "labs.test/v1", "kind": "Thing", "metadata": {"name": "one"}})
    assert lab.snapshot().get("Thing", "one")
    assert lab.until(lambda seen: seen.get("Thing", "one"), "the thing is seen")


def test_a_kind_that_two_labs_bring_goes_with_the_last_of_them(cluster) -> None:
    kind = "workflows.argoproj.io"
    first, second = (labs.checkpoint(cluster, number) for number in ("603", "610"))
    try:
        for one in (first, second):
            one.apply("definitions.yaml")
            one.wait(f"crd/{kind}", "Established")
        labs.cleanup(cluster, "610")
        assert cluster.kubectl("get", "crd", kind, check=False).ok
        labs.cleanup(cluster, "603")
        assert not cluster.kubectl("get", "crd", kind, check=False).ok
    finally:
        labs.cleanup(cluster, "610")
        labs.cleanup(cluster, "603")


def test_a_namespace_that_stays_is_an_error(cluster, lab, monkeypatch) -> None:
    monkeypatch.setattr(labs, "GONE_SECONDS", 2)
    held = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "held", "finalizers": ["labs.test/hold"]}}
    lab.apply(held)
    with pytest.raises(LabsError, match="lab-691"):
        labs.cleanup(cluster, "691")
    free = '{"metadata": {"finalizers": null}}'
    cluster.kubectl("-n", "lab-691", "patch", "configmap", "held", "--type=merge", "-p", free)
    waiting.wait_for(cluster, "namespace/lab-691", "deleted", "default", 60)


def test_an_unknown_lab_is_refused_with_those_that_there_are(cluster, course) -> None:
    with pytest.raises(LabsError, match="no lab '699': expected one of 691"):
        labs.checkpoint(cluster, "699")


def test_refusals_are_said_and_not_raised(lab, capsys) -> None:
    lab.apply(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "empty"},
            "spec": {"template": {"spec": {}}},
        }
    )
    said = capsys.readouterr().out
    assert "spec.selector: Required value" in said and "{" not in said.partition("is invalid")[0]
    lab.kubectl("kubectl get pod nosuch")
    assert capsys.readouterr().out == 'Error from server (NotFound): pods "nosuch" not found\n'
    assert lab.ask("get configmaps -o name") == "configmap/kube-root-ca.crt"


def test_a_patch_that_is_none_changes_nothing_and_says_so(lab, capsys) -> None:
    lab.patch("configmap/page", ...)
    lab.patch("configmap/page", "image: labs-serve:1.0")
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "No change for configmap/page yet.",
        "A change is a dictionary such as {'spec': ...}; it was a str.",
    ]


def test_a_patch_begins_at_what_was_handed_over_and_keeps_a_repair_made_elsewhere_while_there_is_none(
    lab, capsys
) -> None:
    begin = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "page"}, "data": {"rate": "1"}}

    def data() -> dict:
        return lab.snapshot().get("ConfigMap", "page")["data"]

    lab.apply(begin)
    lab.patch("configmap/page", {"data": {"first": "try"}}, begin=begin)
    lab.patch("configmap/page", {"data": {"second": "try"}}, begin=begin)
    assert data() == {"rate": "1", "second": "try"}
    lab.ask('patch configmap page -p \'{"data": {"in": "a terminal"}}\'')
    for unfinished in (..., "data: in a terminal"):
        lab.patch("configmap/page", unfinished, begin=begin)
        assert data() == {"rate": "1", "second": "try", "in": "a terminal"}


def test_a_lab_says_how_a_terminal_works_on_it(cluster, course, monkeypatch, capsys) -> None:
    monkeypatch.setattr(labs, "get_cluster", lambda name: cluster)
    monkeypatch.setattr(labs, "_current", [])
    try:
        labs.start("691")
        assert capsys.readouterr().out.splitlines()[-1].endswith('in this namespace: eval "$(labs cluster env 691)"')
    finally:
        labs.cleanup(cluster, "691")


def test_what_a_learner_made_is_kept_when_the_lab_begins_again(cluster, course, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(paths, "data_home", lambda: tmp_path / "home")
    try:
        lab = labs.checkpoint(cluster, "691")
        assert labs.keep(cluster, "691") is None
        lab.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mine"}, "data": {"my": "repair"}})
        kept = labs.keep(cluster, "691")
        again = labs.checkpoint(cluster, "691")
        assert again.snapshot().get("ConfigMap", "mine") is None
        assert again.ask(f"kubectl apply -f {kept}") == "configmap/mine created"
    finally:
        labs.cleanup(cluster, "691")


def test_a_kept_job_and_its_claim_can_be_applied_again(cluster, course, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(paths, "data_home", lambda: tmp_path / "home")
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
    (web,) = [item for item in yaml.safe_load_all((course / "web.yaml").read_text()) if item["kind"] == "Deployment"]
    pod = web["spec"]["template"]["spec"] | {"restartPolicy": "Never"}
    pod["volumes"] = [{"name": "desk", "persistentVolumeClaim": {"claimName": "desk"}}]
    (container,) = pod["containers"]
    mounts = [{"name": "desk", "mountPath": "/desk"}]
    left_out = ("readinessProbe", "livenessProbe", "startupProbe", "ports")
    container = {key: value for key, value in container.items() if key not in left_out}
    pod["containers"] = [container | {"command": ["python", "-c", "print(1)"], "volumeMounts": mounts}]
    try:
        lab = labs.checkpoint(cluster, "691")
        lab.apply([
            {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "desk"}, "spec": claim},
            {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "train"}, "spec": {"template": {"spec": pod}}},
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}},
        ])  # fmt: skip
        lab.wait("job/train", "Complete")
        kept = labs.keep(cluster, "691")
        again = labs.checkpoint(cluster, "691")
        lab.apply(
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}
        )
        said = [line.partition(" ")[0] for line in again.ask(f"kubectl apply -f {kept}").splitlines()]
        assert sorted(said) == ["job.batch/train", "persistentvolumeclaim/desk", "service/web"]
        again.wait("job/train", "Complete")
        assert labs.keep(cluster, "691") != kept
    finally:
        labs.cleanup(cluster, "691")


def test_a_cluster_that_does_not_say_what_is_there_keeps_it(course, monkeypatch, tmp_path) -> None:
    """What could not be copied is not taken away."""
    monkeypatch.setattr(paths, "data_home", lambda: tmp_path / "home")
    with pytest.raises(LabsError, match="failed"):
        labs.keep(PocketCluster(Layout(tmp_path / "nothing")), "691")


def test_the_steps_after_an_apply_come_in_order_and_a_missing_one_is_named(lab, capsys) -> None:
    steps = follow(lab, "web", 3, lambda: lab.apply("web.yaml"))
    assert [step.seconds for step in steps] == sorted(step.seconds for step in steps)
    assert (steps[0].who, steps[-1].what) == ("API server", "puts them behind the Service")
    with pytest.raises(LabsError, match=r"After 1 s the replicaset controller has not done its part: makes 4 pods"):
        follow(lab, "web", 4, lambda: None, limit=1.0)


def test_a_service_is_asked_until_it_answers(lab) -> None:
    lab.apply("web.yaml")
    assert lab.fetch("web", 8000, seconds=60) == "model: none yet\n"
    with pytest.raises(LabsError, match=r"Not within 1 s: the Service web answers.*HTTPError 404"):
        lab.fetch("web", 8000, "/nosuch", seconds=1)


def test_a_snapshot_holds_objects_events_and_logs_and_survives_a_file(lab, tmp_path) -> None:
    lab.apply("web.yaml")
    lab.wait("deployment/web")
    taken = lab.snapshot()
    assert len(taken.pods_of("web")) == 3
    assert any(text.startswith("ScalingReplicaSet: Scaled up") for text in taken.messages("Deployment", "web"))
    assert {name.partition("/")[2] for name in taken.logs} == {"web"}
    taken.save(tmp_path / "s" / "web.json")
    kept = snapshot.load(tmp_path / "s" / "web.json")
    assert [pod["metadata"]["name"] for pod in kept.pods_of("web")] == [
        pod["metadata"]["name"] for pod in taken.pods_of("web")
    ]
    assert "managedFields" not in json.dumps(kept.objects)


def test_a_check_of_the_cluster_looks_again_before_it_says_fail(lab, monkeypatch, capsys) -> None:
    exercises = Exercises("691")

    @exercises.check("1", "A late ConfigMap", hints=("a", "b"), look=look)
    def late(seen: snapshot.Snapshot) -> str:
        """Look for it."""
        looks.append(seen)
        if seen.get("ConfigMap", "untouched"):
            raise NotAttempted("Nothing was done yet.")
        if len(looks) == 3:
            lab.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late"}})
        if not seen.get("ConfigMap", "late"):
            raise Fail("no ConfigMap", "one", "wait")
        return "It came."

    looks: list[snapshot.Snapshot] = []
    monkeypatch.setattr(engine, "exercises_of", lambda key: exercises)
    monkeypatch.setattr(labs, "_current", [lab])
    lab.ask("create configmap untouched")
    check("691.1", ...)
    assert capsys.readouterr().out.startswith("NOT YET") and len(looks) == 1
    lab.ask("delete configmap untouched")
    looks.clear()
    check("691.1", ...)
    assert "PASS 691.1" in capsys.readouterr().out and len(looks) == 4
    lab.ask("delete configmap late")
    monkeypatch.setattr(engine, "LOOKS_AGAIN", 2)
    check("691.1")
    assert "FAIL 691.1" in capsys.readouterr().out and len(looks) == 7


@pytest.mark.parametrize("command", ["checkpoint", "cleanup", "record"])
def test_a_command_refuses_an_unknown_lab_before_it_starts_anything(command: str, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "labsupport.cli", command, "699", *(["name"] if command == "record" else [])]
    env = os.environ | {"LABS_HOME": str(tmp_path / "home")}
    ended = subprocess.run(words, capture_output=True, text=True, env=env, cwd=ROOT)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("labs: There is no lab '699'")
    assert not (tmp_path / "home").exists()


# --- without a cluster


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> tuple[labs.Lab, list[dict]]:
    """Return a lab on a cluster that answers nothing, and the options of each call of kubectl."""
    calls: list[dict] = []

    def kubectl(*words: str, **options: object) -> Result:
        calls.append({"words": words, **options})
        return Result(0, "", "")

    cluster: Any = SimpleNamespace(name="none", kubectl=kubectl)
    return labs.Lab("601", cluster), calls


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        ("kubectl get pods", 60),
        ("kubectl wait pod/web --for=condition=Ready --timeout=5m", 310),
        ("kubectl wait pod/web --for=condition=Ready --timeout 120s", 130),
        ("kubectl rollout status deployment/web --timeout=1h30m", 5410),
        ("kubectl rollout status deployment/web --timeout=90", 100),
        ("kubectl rollout status deployment/web --timeout=5s", 60),
    ],
)
def test_a_command_has_the_time_that_it_gives_itself(asked, line: str, seconds: int) -> None:
    lab, calls = asked
    lab.ask(line)
    assert calls[0]["timeout"] == seconds


def test_a_quotation_mark_that_does_not_close_is_said(asked, capsys) -> None:
    lab, calls = asked
    lab.kubectl("kubectl patch deployment web -p '{}")
    assert "a quotation mark that opens must close" in capsys.readouterr().out and not calls


@pytest.mark.parametrize("change", [{"spec": {"replicas": ...}}, {"spec": {"replicas": {3}}}], ids=repr)
def test_a_change_that_is_half_filled_changes_nothing_and_says_so(asked, change, capsys) -> None:
    lab, calls = asked
    lab.patch("deployment/web", change, begin={"metadata": {}})
    jobs.make(lab, "web.yaml", change)
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2 and all("replace what else is in it" in line for line in said) and not calls
