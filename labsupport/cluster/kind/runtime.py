"""Start, stop and look at the cluster `labs` whose node is a container."""

import contextlib
import json
import os
import socket
import time
from pathlib import Path

import yaml

from labsupport import paths
from labsupport.cluster import differences, gpus, kubectl, locking, objects, versions, waiting
from labsupport.cluster.connected import Connected
from labsupport.cluster.context import ContextCluster
from labsupport.cluster.interface import Report, Status
from labsupport.cluster.kind import command, engine, images
from labsupport.cluster.kind.engine import Engine
from labsupport.cluster.kubectl import Access
from labsupport.errors import LabsError

CONTEXT = "kind-labs"
NODE_IMAGE_VARIABLE = "LABS_KIND_NODE_IMAGE"
CREATE_SECONDS = 300.0
DELETE_SECONDS = 60.0
START_SECONDS = 120.0
_SET_UP = "labs/set-up"
_WORKLOADS = (
    ("kube-system", "deployment/coredns"),
    ("kube-system", "daemonset/kube-proxy"),
    ("local-path-storage", "deployment/local-path-provisioner"),
    ("kube-system", "deployment/metrics-server"),
)


class KindCluster(Connected):
    """A kind cluster that the labs create and delete; tests give it another name, folder and configuration."""

    name = "kind"

    def __init__(self, cluster: str = "labs", folder: Path | None = None, config: Path | None = None) -> None:
        self.cluster = cluster
        self.folder = folder or paths.data_home() / "kind"
        self._config = config

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig of our own: the user's is never written."""
        return self.folder / "kubeconfig"

    @property
    def access(self) -> Access:
        context = f"kind-{self.cluster}"
        if not self.kubeconfig.exists() and context == CONTEXT and ContextCluster("kind", context).exists():
            return Access(context)
        return Access(context, self.kubeconfig)

    @property
    def node(self) -> str:
        return f"{self.cluster}-control-plane"

    def exists(self) -> bool:
        """Tell, without asking the engine, whether a kubeconfig knows the cluster."""
        access = self.access
        return access.kubeconfig is None or access.kubeconfig.exists()

    def up(self, report: Report | None = None) -> None:
        """Create the cluster, or start it again, and wait until pods can run; a cluster that runs is left alone.

        Raises LabsError when the engine, kind or kubectl is missing, when there is too little room, or with what kind or the
        cluster says about a start that fails. What an interrupted creation left is deleted first.
        """
        if self._is_set_up():
            return
        say = report or (lambda step: None)
        with self._alone():
            found = engine.find()
            command.find()
            kubectl.find()
            self.folder.mkdir(parents=True, exist_ok=True)
            if self._creating.exists() and found.nodes(self.cluster):
                say("an earlier creation was interrupted; what it left is deleted")
                self._delete(found)
            nodes = found.nodes(self.cluster)
            if not nodes:
                self._create(found, say)
            else:
                if set(nodes) - set(found.nodes(self.cluster, running=True)):
                    say("the cluster's containers start again")
                    found.run("start", *nodes)
                command.run(found, "export", "kubeconfig", "--name", self.cluster, "--kubeconfig", str(self.kubeconfig))
            self._wait_for_api(say)
            self._set_up(say)

    def down(self, keep: bool = False) -> bool:
        """Delete the cluster, or with `keep` only stop its containers; returns whether there was one. No other is touched."""
        with self._alone():
            found = engine.find()
            nodes = found.nodes(self.cluster)
            if keep:
                if nodes:
                    found.run("stop", *nodes)
                return bool(nodes)
            if nodes:
                self._delete(found)
            for file in (self.kubeconfig, self._creating):
                file.unlink(missing_ok=True)
            return bool(nodes)

    def status(self) -> Status:
        if not self.exists():
            sentence = f"There is no kind cluster {self.cluster!r}. Make it: labs cluster up"
            return Status(False, sentence, {}, differences.limits("kind"))
        answer = self.kubectl("get", "nodes", "-o", "json", "--request-timeout=3s", timeout=15, check=False)
        if not answer.ok:
            said = (answer.errors.strip().splitlines() or ["no answer"])[-1]
            sentence = f"The kind cluster {self.cluster!r} does not answer ({said}). Start it: labs cluster up"
            return Status(False, sentence, {}, differences.limits("kind"))
        programs, ready = {}, True
        for node in json.loads(answer.output)["items"]:
            state = objects.is_true(node, "Ready")
            ready = ready and state
            info = node["status"]["nodeInfo"]
            word = "Ready" if state else "not ready"
            programs[node["metadata"]["name"]] = f"{word}, {info['kubeletVersion']}, {info['containerRuntimeVersion']}"
        sentence = (
            f"The kind cluster {self.cluster!r} is ready." if ready else "A node is not ready: kubectl describe node"
        )
        return Status(ready, sentence, programs, differences.limits("kind"))

    def logs(self, program: str | None = None) -> list[Path]:
        """Copy the logs of the node and of the control plane out of the containers and return the files."""
        found = engine.find()
        if not found.nodes(self.cluster, running=True):
            raise LabsError("The kind cluster does not run, so its logs can't be had. Start it: labs cluster up")
        target = self.folder / "logs"
        command.run(found, "export", "logs", str(target), "--name", self.cluster)
        files = sorted(target.glob("*/kubelet.log")) + sorted(target.glob("*/containerd.log"))
        files += sorted(target.glob("*/containers/*_kube-system_*.log"))
        chosen = [file for file in files if program is None or program in file.name]
        if not chosen:
            raise LabsError(
                f"No log of {program!r}. There is: {', '.join(file.stem.partition('_')[0] for file in files)}"
            )
        return chosen

    def image_advice(self, image: str) -> str | None:
        return images.advice(image)

    @property
    def _creating(self) -> Path:
        """A file that is there while a creation is under way, and stays when that is killed."""
        return self.folder / "creating"

    def _alone(self) -> "contextlib.AbstractContextManager[None]":
        busy = "Another `labs cluster` command is starting or stopping the cluster; wait for it, then try again."
        return locking.locked(self.folder / "command.lock", CREATE_SECONDS + START_SECONDS, busy)

    def _create(self, found: Engine, say: Report) -> None:
        engine.check_room(found)
        config = self._config or paths.course_root() / "manifests" / "kind-config.yaml"
        _check_ports(config)
        image = os.environ.get(NODE_IMAGE_VARIABLE) or versions.NODE_IMAGE
        say(f"{found.name} runs a node of {image.partition('@')[0]}")
        self._creating.touch()
        arguments = ["--name", self.cluster, "--image", image, "--config", str(config)]
        try:
            command.run(
                found,
                "create",
                "cluster",
                *arguments,
                "--kubeconfig",
                str(self.kubeconfig),
                report=say,
                timeout=CREATE_SECONDS,
            )
        except BaseException:
            # What can't be deleted now is marked, and deleted by the next `up`.
            with contextlib.suppress(LabsError):
                self._delete(found)
            raise
        self._creating.unlink()

    def _delete(self, found: Engine) -> None:
        def gone() -> bool:
            command.run(found, "delete", "cluster", "--name", self.cluster, "--kubeconfig", str(self.kubeconfig))
            return not found.nodes(self.cluster)

        # Docker lists a container that it is still making, and deletes it only when it is made.
        waiting.until(gone, f"the containers of the kind cluster {self.cluster!r} are deleted", DELETE_SECONDS, 0.5)
        self.kubeconfig.unlink(missing_ok=True)
        self._creating.unlink(missing_ok=True)

    def _is_set_up(self) -> bool:
        if not self.exists():
            return False
        answer = self.kubectl("get", "node", self.node, "-o", "json", "--request-timeout=3s", timeout=15, check=False)
        if not answer.ok:
            return False
        node = json.loads(answer.output)
        return objects.is_true(node, "Ready") and _SET_UP in node["metadata"].get("annotations", {})

    def _wait_for_api(self, say: Report) -> None:
        say("the API server starts")
        waiting.until(
            lambda: self.kubectl("get", "--raw", "/readyz", "--request-timeout=3s", timeout=10, check=False).ok,
            f"the API server of {self.node} answers",
            START_SECONDS,
            0.5,
            lambda: "Look: labs cluster logs kube-apiserver; begin again: labs cluster reset",
        )

    def _set_up(self, say: Report) -> None:
        """Bring the cluster to what the labs expect; every step may be repeated."""
        metrics = self.kubectl("get", "deployment", "metrics-server", "-n", "kube-system", check=False)
        if not metrics.ok:
            say("metrics-server is installed")
            self.kubectl("apply", "-f", str(paths.course_root() / "manifests" / "kind" / "metrics-server.yaml"))
        say("the node gets Ready")
        waiting.wait_for(self, f"node/{self.node}", "Ready", timeout=START_SECONDS)
        gpus.offer(self, gpus.USUAL[self.name])
        for namespace, workload in _WORKLOADS:
            say(f"{workload.partition('/')[2]} starts")
            waiting.wait_for(self, workload, "rolled-out", namespace, START_SECONDS)
        waiting.wait_for(self, "apiservice/v1beta1.metrics.k8s.io", "Available", timeout=START_SECONDS)
        waiting.wait_for(self, "serviceaccount/default", "created", timeout=START_SECONDS)
        self.kubectl("annotate", "node", self.node, f"{_SET_UP}={time.strftime('%Y-%m-%d')}", "--overwrite")


def _check_ports(config: Path) -> None:
    """Raise LabsError when a port that the configuration publishes is taken."""
    for node in yaml.safe_load(config.read_text())["nodes"]:
        for mapping in node.get("extraPortMappings", []):
            address, port = mapping["listenAddress"], mapping["hostPort"]
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((address, port))
                except OSError as error:
                    raise LabsError(
                        f"Port {port} of {address} is taken by another program, and the labs' cluster publishes it "
                        f"({config.name}). End that program, then: labs cluster up"
                    ) from error
