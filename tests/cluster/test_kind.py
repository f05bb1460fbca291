"""The kind runtime: what a machine may lack, and what its cluster and its images are."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from labsupport import paths
from labsupport.cluster import differences, get_cluster, kubectl, versions, waiting
from labsupport.cluster.kind import command, engine, images, runtime
from labsupport.cluster.kind.engine import Engine
from labsupport.cluster.kind.runtime import KindCluster
from labsupport.errors import LabsError

ROOT = paths.course_root()
# The labs that are written.
LABS = sorted(path.parent.name for path in (ROOT / "manifests").glob("*/namespace.yaml"))
ENOUGH = {"MemTotal": 8_000_000_000, "DockerRootDir": "/nonexistent"}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return a function that puts a program of given shell lines on a PATH where nothing else is."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("LABS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)

    def add(name: str, *lines: str) -> None:
        (folder / name).write_text("\n".join(["#!/bin/sh", *lines]))
        (folder / name).chmod(0o755)

    return add


def test_machine_without_an_engine(machine) -> None:
    with pytest.raises(LabsError, match="neither is on PATH. Install one, or use LABS_CLUSTER=pocket"):
        KindCluster().up()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is it running?", "docker is not started"),
        ("permission denied while trying to connect to the Docker daemon socket", "usermod -aG docker"),
        ("something new", r"docker does not work \(something new\)"),
    ],
)
def test_engine_that_can_not_be_used(machine, said: str, expected: str) -> None:
    machine("docker", f"echo '{said}' >&2; exit 1")
    with pytest.raises(LabsError, match=expected):
        KindCluster().up()


def test_podman_where_docker_is_not_started(machine) -> None:
    machine("docker", "echo 'Cannot connect to the Docker daemon' >&2; exit 1")
    machine("podman", "exit 0")
    found = engine.find()
    assert found == Engine("podman") and found.environment()["KIND_EXPERIMENTAL_PROVIDER"] == "podman"


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({**ENOUGH, "MemTotal": 2_000_000_000}, "docker has 2.0 GB of memory; the labs' cluster needs 3 GB"),
        ({"host": {"memTotal": 1_000_000_000}}, "docker has 1.0 GB of memory"),
    ],
)
def test_too_little_memory(machine, info: dict, expected: str) -> None:
    machine("docker", f"echo '{json.dumps(info)}'")
    with pytest.raises(LabsError, match=expected):
        engine.check_room(Engine("docker"))


def test_too_little_disk(machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    machine("docker", f"echo '{json.dumps({**ENOUGH, 'DockerRootDir': str(tmp_path)})}'")
    engine.check_room(Engine("docker"))
    monkeypatch.setattr(engine, "NEEDED_DISK", 10**18)
    with pytest.raises(LabsError, match="docker system prune"):
        engine.check_room(Engine("docker"))


def test_machine_without_kind(machine) -> None:
    machine("docker", "exit 0")
    with pytest.raises(LabsError, match="kind is not on PATH. Install it: go install"):
        KindCluster().up()


def test_machine_without_kubectl_is_told_before_anything_is_made(
    machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    machine("docker", f"echo '{json.dumps(ENOUGH)}'")
    machine("kind", "exit 0")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(LabsError, match="No kubectl was found"):
        KindCluster().up()
    assert not (tmp_path / "home" / "kind" / "creating").exists()


def test_kind_that_does_not_end_is_ended(machine) -> None:
    machine("kind", "echo ' • Writing configuration 📜  ...' >&2", "exec /bin/sleep 30")
    with pytest.raises(LabsError, match="`kind create cluster` did not end within 0 s: .*Writing configuration"):
        command.run(Engine("docker"), "create", "cluster", timeout=0.3)


def test_port_that_is_taken_is_named_before_anything_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = tmp_path / "config.yaml"
        node = {"extraPortMappings": [{"listenAddress": "127.0.0.1", "hostPort": port, "containerPort": 30080}]}
        config.write_text(yaml.safe_dump({"nodes": [node]}))
        with pytest.raises(LabsError, match=f"Port {port} of 127.0.0.1 is taken"):
            runtime._check_ports(config)


def test_failed_creation_is_deleted_and_explained(machine, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Path(os.environ["LABS_HOME"])
    machine("docker", f"[ $1 = info ] && echo '{json.dumps(ENOUGH)}'; exit 0")
    machine(
        "kind",
        f'echo "$*" >> {made}/kind/calls',
        '[ "$1" = create ] && echo "ERROR: too many open files" >&2 && exit 1; exit 0',
    )
    monkeypatch.setattr(runtime, "_check_ports", lambda config: None)
    with pytest.raises(LabsError, match=r"too many open files\nRaise the limits: sudo sysctl fs.inotify"):
        KindCluster().up()
    create, delete = (made / "kind" / "calls").read_text().splitlines()
    assert create.startswith("create cluster --name labs --image kindest/node:") and "--kubeconfig" in create
    assert delete.startswith("delete cluster --name labs ")
    assert not (made / "kind" / "creating").exists()


def test_only_loopback_is_published() -> None:
    config = yaml.safe_load((ROOT / "manifests" / "kind-config.yaml").read_text())
    assert config["networking"]["apiServerAddress"] == "127.0.0.1"
    assert {item["listenAddress"] for node in config["nodes"] for item in node["extraPortMappings"]} == {"127.0.0.1"}


def test_images_are_pinned_by_digest_in_one_place() -> None:
    assert re.fullmatch(r"kindest/node:v1\.36\.\d+@sha256:[0-9a-f]{64}", versions.NODE_IMAGE)
    assert f"\nARG BASE={versions.BASE_IMAGE}\n" in (ROOT / "Dockerfile").read_text()


def test_pins_of_the_images_are_those_of_the_course() -> None:
    pins = set(_pins(ROOT / "requirements" / "main.txt"))
    for name in ("serve", "train"):
        own = set(_pins(ROOT / "requirements" / f"{name}.txt"))
        # colorama is for Windows, where the course does not run.
        assert own and {package for package, _ in own - pins} <= {"colorama"}
    assert not any(package.startswith("tensorflow") for package, _ in _pins(ROOT / "requirements" / "serve.txt"))


def _pins(file: Path):
    for line in file.read_text().splitlines():
        package, _, version = line.partition(" ;")[0].partition("==")
        yield package, version


def test_dockerfile_is_clean() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    checked = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def test_advice_is_given_for_the_labs_images_only() -> None:
    assert "labs cluster load labs-serve" in str(images.advice("docker.io/library/labs-serve:1.0"))
    assert images.advice("postgres:16") is None
    with pytest.raises(LabsError, match="expected one of labs-serve, labs-train, labs-airflow"):
        images.named("nginx")


def test_differences_are_told_and_known() -> None:
    assert differences.limits("pocket") and differences.limits("kind")
    assert differences.missing("kind", "processes") and differences.missing("pocket", "processes") is None
    with pytest.raises(KeyError):
        differences.missing("kind", "nosuch")


def test_kind_is_the_runtime_that_its_name_means(machine) -> None:
    found = get_cluster("kind")
    assert isinstance(found, KindCluster) and found.cluster == "labs"
    status = found.status()
    assert not status.ready and "labs cluster up" in status.sentence


@pytest.fixture
def kind(cluster) -> KindCluster:
    if not isinstance(cluster, KindCluster):
        pytest.skip("about a kind cluster: LABS_CLUSTER=kind")
    return cluster


def test_own_kubeconfig_and_nobody_elses(kind) -> None:
    assert kind.access == kubectl.Access("kind-labs-test", kind.kubeconfig)
    config = yaml.safe_load(kind.kubeconfig.read_text())
    assert [item["cluster"]["server"].rpartition(":")[0] for item in config["clusters"]] == ["https://127.0.0.1"]
    users = Path.home() / ".kube" / "config"
    assert not users.exists() or "kind-labs-test" not in users.read_text()


def test_second_up_changes_nothing_and_is_quick(kind) -> None:
    steps: list[str] = []
    started = time.monotonic()
    kind.up(steps.append)
    assert steps == [] and time.monotonic() - started < 5
    status = kind.status()
    assert status.ready and status.limits == differences.limits("kind") and "labs-test-control-plane" in status.programs


def test_third_gpu_pod_stays_pending(kind, namespace) -> None:
    for name in ("a", "b", "c"):
        limits = {"limits": {"nvidia.com/gpu": 1}}
        container = {"name": "main", "image": "labs-serve:dev", "command": ["sleep", "600"], "resources": limits}
        spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
        kind.kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(body))
        if name != "c":
            waiting.wait_for(kind, f"pod/{name}", "Ready", namespace, 60)
    with pytest.raises(waiting.WaitFailed, match="Insufficient nvidia.com/gpu"):
        waiting.wait_for(kind, "pod/c", "Ready", namespace, 2)


def test_serving_image_is_small_unprivileged_and_needs_no_writable_root(kind) -> None:
    found, image = engine.find(), images.Image("labs-serve", "kind-test")
    (described,) = json.loads(found.run("image", "inspect", image.full_name).stdout)
    assert described["Size"] < 1.2e9 and described["Config"]["User"] == "10001:10001"
    code = "import getpass, labsupport.serving.predictor, mlflow, kopf, uvicorn, onnxruntime; print(getpass.getuser())"
    said = found.run("run", "--rm", "--read-only", "--network=none", image.full_name, "python", "-c", code, timeout=120)
    assert said.stdout == "labs\n"
    absent = "import importlib.util as u; print(u.find_spec('tensorflow'))"
    assert found.run("run", "--rm", image.full_name, "python", "-c", absent).stdout == "None\n"


def test_image_that_is_on_the_node_is_not_loaded_again(kind) -> None:
    assert images.load(engine.find(), kind.cluster, images.Image("labs-serve", "kind-test")) is False


def test_pod_whose_image_is_missing_gets_the_advice(kind, namespace) -> None:
    image = "labs-train:never-loaded"
    kind.kubectl("run", "train", f"--image={image}", "--image-pull-policy=Never", "-n", namespace)
    with pytest.raises(waiting.WaitFailed, match=f"{image} is not on the node .* labs cluster load labs-train"):
        waiting.wait_for(kind, "pod/train", "Ready", namespace, 8)


def test_logs_of_the_control_plane_can_be_had(kind) -> None:
    assert any(file.stat().st_size for file in kind.logs("kube-apiserver"))
    with pytest.raises(LabsError, match="No log of 'nosuch'. There is: .*kubelet"):
        kind.logs("nosuch")


@pytest.mark.parametrize("lab", LABS if os.environ.get("LABS_NIGHTLY") else LABS[:1])
def test_lab_runs_to_its_end(kind, tmp_path: Path, lab: str) -> None:
    environment = {**os.environ, "LABS_CLUSTER": kind.access.context, "KUBECONFIG": str(kind.kubeconfig)}
    environment["LABS_HOME"] = str(tmp_path)
    labs = [sys.executable, "-m", "labsupport.cli", "run", lab]
    ran = subprocess.run(labs, env=environment, capture_output=True, text=True, cwd=ROOT, timeout=290)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.skipif(not os.environ.get("LABS_NIGHTLY"), reason="takes two minutes: make nightly")
def test_creation_that_was_killed_is_made_anew(kind, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text((ROOT / "manifests" / "kind-config.yaml").read_text().replace("hostPort: 30080", "hostPort: 0"))
    other = KindCluster("labs-test-killed", tmp_path / "kind", config)
    code = (
        "import sys; from pathlib import Path; from labsupport.cluster.kind.runtime import KindCluster; "
        "KindCluster(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])).up()"
    )
    arguments = [sys.executable, "-c", code, other.cluster, str(other.folder), str(config)]
    found = engine.find()
    try:
        with subprocess.Popen(arguments, start_new_session=True) as process:
            waiting.until(lambda: found.nodes(other.cluster), "the node's container is there", 60)
            os.killpg(process.pid, signal.SIGKILL)
        assert (other.folder / "creating").exists()
        steps: list[str] = []
        other.up(steps.append)
        assert "interrupted" in steps[0] and other.status().ready
    finally:
        other.down()
    assert found.nodes(other.cluster) == [] and command.find()
