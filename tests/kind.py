"""The tests on a real kind cluster, where this machine can have one: a part in `make test`; in `make nightly` all, and the labs."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from labsupport import paths
from labsupport.cluster import locking, versions
from labsupport.cluster.kind import command, engine, images, runtime
from labsupport.course import source
from labsupport.errors import LabsError
from tests import kit

ROOT = Path(__file__).resolve().parents[1]
# Create, load, delete, lab 601, and the contract tests that say most in a minute.
PART = ("test_kind", "test_images", "test_waiting")
ALL = (
    *PART,
    "test_api",
    "test_workloads",
    "test_process_one",
    "test_network",
    "test_storage",
    "test_streams",
    "test_autoscaling",
    "test_lab",
    "test_jobs",
    "test_gpus",
    "test_workflows",
)
# As sysexits.h has it: the machine can't, now.
SKIPPED = 75
_NETWORK = (
    "No matching distribution",
    "NewConnectionError",
    "ConnectionError",
    "timed out",
    "name resolution",
    "unreachable",
)
_BASE = "labs-kit/python:3.11"
# How many seconds to wait for another checkout's tests: longer than all labs of a nightly run take.
_TURN = 7200


def why_not() -> str | None:
    """Say why this machine can have no kind cluster, or return None."""
    if _kit():
        return None
    try:
        engine.check_room(engine.find())
        command.find()
    except LabsError as error:
        return str(error).splitlines()[0]
    return None


def main() -> int:
    """Run the tests, when no other checkout runs its own: they share the cluster's name and the kit's engine."""
    turn = Path(tempfile.gettempdir()) / f"labs-kind-tests-{os.geteuid()}.lock"
    if locking.is_locked(turn):
        print("Another checkout runs its tests on kind; these wait for them to end.", flush=True)
    try:
        with locking.locked(
            turn, _TURN, f"Tests on kind still run elsewhere after {_TURN} s: end them, then run again."
        ):
            return _run_tests(nightly=bool(os.environ.get("LABS_NIGHTLY")))
    except LabsError as error:
        print(error)
        return 1


def _run_tests(nightly: bool) -> int:
    """Run the tests; what had to be started for them (an engine) is stopped at the end."""
    environment, command_of_kit = dict(os.environ, LABS_CLUSTER="kind"), _kit()
    started = False
    try:
        if command_of_kit:
            started = not _answers()
            try:
                environment |= _set_up(command_of_kit)
            except subprocess.CalledProcessError:
                print("The kit could not set up a container engine on this machine; its last words stand above.")
                return SKIPPED
        os.environ.update(environment)
        try:
            # Here, not in a test: the first build takes minutes, and what it makes is cached for the tests.
            images.build(engine.find(), images.Image("labs-serve", "kind-test"))
        except LabsError as error:
            print(error)
            return SKIPPED if any(word in str(error) for word in _NETWORK) else 1
        files = [f"tests/cluster/{name}.py" for name in (ALL if nightly else PART)]
        lanes = ["-n", "2", "--dist", "loadfile"] if nightly else []
        pytest = [sys.executable, "-m", "pytest", "-rs", "--durations=10", "--timeout=900", *lanes, *files]
        code = subprocess.call(pytest, cwd=ROOT, env=environment)
        return code or (run_labs(environment) if nightly else 0)
    finally:
        if command_of_kit and started:
            subprocess.call([command_of_kit, "stop"])


def run_labs(environment: dict[str, str]) -> int:
    """Run every lab, solved, on a kind cluster `labs` that is made for that; where there is one, it is somebody's."""
    own = runtime.KindCluster().cluster
    if engine.find().nodes(own):
        print(f"The labs were not run on kind: a cluster {own!r} is there, and it is not the tests'.")
        return 0
    read = [source.read(path) for path in source.find_sources(paths.sources()).values()]
    numbers = [lesson.number for lesson in read if lesson.is_lab]
    with tempfile.TemporaryDirectory(prefix="labs-kind-") as home:
        environment = environment | {"LABS_HOME": home, "KUBECONFIG": str(Path(home) / "kind" / "kubeconfig")}
        labs = str(Path(sys.executable).parent / "labs")
        steps = [[labs, "cluster", "up"], *([labs, "cluster", "load", name] for name in images.TARGETS)]
        if (program := _kit()) is not None:
            # They are what other nodes pull; Argo's controller shall be as learners get it.
            steps += [[str(program), "load", own, *kit.public_images(environment[images.BASE_VARIABLE])]]
            steps.append([str(program), "addon", "argo", own])
            begun = ["kubectl", "--context", runtime.CONTEXT, "-n", "argo", "delete", "deployment/workflow-controller"]
            steps.append(begun)
        steps.append([labs, "run", *numbers])
        try:
            for step in steps:
                if code := subprocess.call(step, cwd=ROOT, env=environment):
                    print(f"This failed on the kind cluster {own!r}: {' '.join(step)}")
                    return code
                if program is not None and step[1:] == ["cluster", "up"]:
                    kit.close_way_out(own)
        finally:
            subprocess.call([labs, "cluster", "down"], cwd=ROOT, env=environment)
    return 0


def _set_up(program: Path) -> dict[str, str]:
    """Start the kit's engine, and return the environment in which its programs and images are used."""
    subprocess.run([program, "setup"], check=True)
    subprocess.run([program, "base-image", _BASE], check=True)
    line = subprocess.run([program, "env"], check=True, capture_output=True, text=True).stdout
    folder = line.partition("PATH=")[2].partition(":")[0]
    return {
        "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        runtime.NODE_IMAGE_VARIABLE: f"kindest/node:v{versions.KUBERNETES}",
        images.BASE_VARIABLE: _BASE,
    }


def _kit() -> Path | None:
    """Return the offline kit, which makes an engine for root only."""
    return kit.find() if os.geteuid() == 0 else None


def _answers() -> bool:
    return (
        shutil.which("docker") is not None and subprocess.run(["docker", "info"], capture_output=True).returncode == 0
    )


if __name__ == "__main__":
    raise SystemExit(main())
