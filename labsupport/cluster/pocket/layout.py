"""Where everything of one pocket cluster lies: its folder, its ports and its addresses."""

import ipaddress
import json
import os
from dataclasses import dataclass, fields
from pathlib import Path

from labsupport import files, paths, ports
from labsupport.errors import LabsError

NODE_NAME = "pocket"
CONTEXT = "labs-pocket"
# The node agent's certificate has this group beside system:nodes, for what a node alone may not read.
AGENT_GROUP = "labs:node-agent"
METRICS_HOST = "pocket-metrics.kube-system.svc"
# Services get addresses that every program of this machine can connect to as they are; each cluster has a part of these.
SERVICE_RANGE = "127.64.0.0/10"
# Kubernetes refuses loopback addresses of pods, so pods report an address of a range that is never routed (RFC 2544)
# and listen on its loopback twin.
POD_RANGE = "198.18.0.0/16"
LOOPBACK_RANGE = "127.18.0.0/16"
# The address in the endpoints of the Service `kubernetes`, which must not be loopback; nothing listens there.
APISERVER_ADDRESS = "198.18.255.254"
# A Unix socket's address holds 107 bytes (sockaddr_un).
_LONGEST_FOLDER = 90


@dataclass(frozen=True)
class Ports:
    """The ports on 127.0.0.1 where the programs of a cluster listen."""

    apiserver: int
    controller_manager: int
    scheduler: int
    kubelet: int


@dataclass(frozen=True)
class Layout:
    """The folder of one cluster, which only its owner may enter; each property is one path in it."""

    folder: Path

    def make(self) -> None:
        """Create the folders. Raises LabsError when the place can't hold a cluster."""
        if len(os.fsencode(self.folder)) > _LONGEST_FOLDER:
            raise LabsError(
                f"The path of the cluster's folder is too long for Unix sockets ({self.folder}): "
                f"expected at most {_LONGEST_FOLDER} bytes. Set LABS_HOME to a shorter path."
            )
        try:
            for folder in (self.folder, self.certificates, self.pods, self.volumes, self.logs, self.process_ids):
                folder.mkdir(parents=True, exist_ok=True)
            self.folder.chmod(0o700)
        except OSError as error:
            raise LabsError(
                f"The cluster's folder {self.folder} can't be made ({error.strerror}). Set LABS_HOME to a folder you own."
            ) from error

    @property
    def certificates(self) -> Path:
        """The folder of all certificates (NAME.crt) and keys (NAME.key)."""
        return self.folder / "certificates"

    def certificate(self, name: str) -> Path:
        return self.certificates / f"{name}.crt"

    def key(self, name: str) -> Path:
        return self.certificates / f"{name}.key"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig: context `labs-pocket`, certificates inside."""
        return self.folder / "kubeconfig"

    def component_kubeconfig(self, name: str) -> Path:
        """The kubeconfig of `controller-manager`, `scheduler` or `node`."""
        return self.certificates / f"{name}.kubeconfig"

    @property
    def pods(self) -> Path:
        return self.folder / "pods"

    @property
    def volumes(self) -> Path:
        """The folder of the data behind PersistentVolumeClaims."""
        return self.folder / "volumes"

    @property
    def hosts(self) -> Path:
        """The file in which the node agent publishes names and their addresses."""
        return self.folder / "hosts.json"

    @property
    def egress_socket(self) -> Path:
        """The Unix socket through which the API server reaches pods and Services."""
        return self.folder / "egress.sock"

    @property
    def supervisor_lock(self) -> Path:
        """Locked while a supervisor runs."""
        return self.folder / "supervisor.lock"

    @property
    def command_lock(self) -> Path:
        """Locked while a command starts or stops the cluster."""
        return self.folder / "command.lock"

    @property
    def state(self) -> Path:
        """What the supervisor last said about its programs."""
        return self.folder / "state.json"

    @property
    def etcd(self) -> Path:
        return self.folder / "etcd"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    def log(self, component: str) -> Path:
        return self.logs / f"{component}.log"

    @property
    def process_ids(self) -> Path:
        return self.folder / "run"

    def pid_file(self, component: str) -> Path:
        return self.process_ids / f"{component}.pid"

    def ports(self) -> Ports:
        """Return the cluster's ports: those of the first call, which found them free."""
        file = self.folder / "ports.json"
        try:
            return Ports(**json.loads(file.read_text()))
        except (OSError, ValueError, TypeError):
            return self.choose_ports()

    def choose_ports(self, keep: Ports | None = None) -> Ports:
        """Find free ports and remember them; those of `keep` stay where nobody else has taken them."""
        chosen: dict[str, int] = {}
        for field in fields(Ports):
            kept = getattr(keep, field.name) if keep else None
            chosen[field.name] = kept if kept and ports.is_free(kept) else ports.free(chosen.values())
        files.write_private(self.folder / "ports.json", json.dumps(chosen).encode())
        return Ports(**chosen)


def default() -> Layout:
    """Return the layout of the user's own pocket cluster, in `labsupport.paths.data_home()`."""
    return Layout(paths.data_home() / "pocket")


def to_loopback(address: str) -> str:
    """Return the address on which a pod listens: 198.18.3.4 -> 127.18.3.4; other addresses stay as they are."""
    reported, listening = ipaddress.ip_network(POD_RANGE), ipaddress.ip_network(LOOPBACK_RANGE)
    number = ipaddress.ip_address(address)
    return str(listening[int(number) - int(reported[0])]) if number in reported else address
