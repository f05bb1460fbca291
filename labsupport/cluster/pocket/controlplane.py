"""The programs of a cluster with their arguments: Kubernetes' own defaults wherever a laptop allows them."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

from labsupport import variables
from labsupport.cluster.pocket import service_range
from labsupport.cluster.pocket.layout import APISERVER_ADDRESS, Layout
from labsupport.inheritance import inherited

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
# What stops first stands first: an API server whose etcd is gone waits half a minute for it.
STOP_ORDER = (("scheduler", "controller-manager", "agent"), ("apiserver",), ("etcd",))
# etcd wants HOST:PORT in its addresses, so its Unix sockets are files of this form in the working directory.
_ETCD_CLIENTS, _ETCD_PEERS = "etcd:0", "etcd-peers:0"
SOCKETS = (_ETCD_CLIENTS, _ETCD_PEERS, "egress.sock")


@dataclass(frozen=True)
class Component:
    """One program that the supervisor keeps running."""

    name: str
    arguments: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    # Left by a killed predecessor, they would be in the way.
    sockets: tuple[str, ...] = ()


def write_configuration(layout: Layout) -> None:
    """Write the files that the API server reads beside its arguments."""
    selector = {
        "apiVersion": "apiserver.k8s.io/v1beta1",
        "kind": "EgressSelectorConfiguration",
        "egressSelections": [
            {
                "name": "cluster",
                "connection": {
                    "proxyProtocol": "HTTPConnect",
                    "transport": {"uds": {"udsName": str(layout.egress_socket)}},
                },
            }
        ],
    }
    (layout.folder / "egress.yaml").write_text(json.dumps(selector))


def storage(layout: Layout, programs: Path) -> list[Component]:
    """Return what starts first: etcd and the API server, which waits for it."""
    return [_etcd(layout, programs), _apiserver(layout, programs)]


def bootstrap(layout: Layout) -> Component:
    """Return the short-lived program that waits for the API server and gives it what this cluster needs."""
    return _python("bootstrap", "labsupport.cluster.pocket.bootstrap", layout)


def controllers(layout: Layout, programs: Path) -> list[Component]:
    """Return what starts when the API server is ready: earlier, the controller manager would give up for good."""
    agent = _python("agent", "labsupport.cluster.pocket.node", layout)
    return [_controller_manager(layout, programs), _scheduler(layout, programs), agent]


def _etcd(layout: Layout, programs: Path) -> Component:
    clients, peers = f"unix://{_ETCD_CLIENTS}", f"unix://{_ETCD_PEERS}"
    return _program(
        "etcd",
        programs / "etcd",
        "--name=pocket",
        f"--data-dir={layout.etcd}",
        f"--listen-client-urls={clients}",
        f"--advertise-client-urls={clients}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=pocket={peers}",
        "--log-level=warn",
        "--auto-compaction-mode=periodic",
        "--auto-compaction-retention=30m",
        sockets=(_ETCD_CLIENTS, _ETCD_PEERS),
    )


def _apiserver(layout: Layout, programs: Path) -> Component:
    return _program(
        "apiserver",
        programs / "kube-apiserver",
        f"--etcd-servers=unix://{_ETCD_CLIENTS}",
        "--bind-address=127.0.0.1",
        f"--secure-port={layout.ports().apiserver}",
        f"--advertise-address={APISERVER_ADDRESS}",
        f"--service-cluster-ip-range={service_range.of(layout)}",
        *_serving(layout, "apiserver"),
        f"--client-ca-file={layout.certificate('ca')}",
        "--authorization-mode=Node,RBAC",
        f"--service-account-key-file={layout.certificates / 'sa.pub'}",
        f"--service-account-signing-key-file={layout.key('sa')}",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--kubelet-client-certificate={layout.certificate('apiserver-kubelet')}",
        f"--kubelet-client-key={layout.key('apiserver-kubelet')}",
        f"--kubelet-certificate-authority={layout.certificate('ca')}",
        "--kubelet-preferred-address-types=InternalIP",
        f"--requestheader-client-ca-file={layout.certificate('front-ca')}",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        f"--proxy-client-cert-file={layout.certificate('front-proxy')}",
        f"--proxy-client-key-file={layout.key('front-proxy')}",
        "--allow-privileged=true",
        f"--egress-selector-config-file={layout.folder / 'egress.yaml'}",
    )


def _controller_manager(layout: Layout, programs: Path) -> Component:
    return _program(
        "controller-manager",
        programs / "kube-controller-manager",
        *_client(layout, "controller-manager"),
        f"--secure-port={layout.ports().controller_manager}",
        f"--service-account-private-key-file={layout.key('sa')}",
        f"--root-ca-file={layout.certificate('ca')}",
        "--use-service-account-credentials=true",
        f"--cluster-signing-cert-file={layout.certificate('ca')}",
        f"--cluster-signing-key-file={layout.key('ca')}",
        "--allocate-node-cidrs=false",
        "--node-monitor-grace-period=40s",
        # The autoscaler's clockwork, quick enough to be watched in a lab (defaults: 15 s, 30 s, 5 min, 5 min).
        "--horizontal-pod-autoscaler-sync-period=5s",
        "--horizontal-pod-autoscaler-initial-readiness-delay=5s",
        "--horizontal-pod-autoscaler-cpu-initialization-period=10s",
        "--horizontal-pod-autoscaler-downscale-stabilization=30s",
    )


def _scheduler(layout: Layout, programs: Path) -> Component:
    return _program(
        "scheduler",
        programs / "kube-scheduler",
        *_client(layout, "scheduler"),
        f"--secure-port={layout.ports().scheduler}",
    )


def _client(layout: Layout, name: str) -> tuple[str, ...]:
    kubeconfig = layout.component_kubeconfig(name)
    return (
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        "--bind-address=127.0.0.1",
        *_serving(layout, name),
        "--leader-elect=false",
        "--kube-api-qps=200",
        "--kube-api-burst=400",
    )


def _serving(layout: Layout, name: str) -> tuple[str, str]:
    return f"--tls-cert-file={layout.certificate(name)}", f"--tls-private-key-file={layout.key(name)}"


def _program(name: str, program: Path, *arguments: str, sockets: tuple[str, ...] = ()) -> Component:
    # Go lets its heap double before it collects; collecting at a third of that costs no measurable time here and saves memory.
    # No proxy variables: everything these programs talk to is on this machine.
    return Component(name, (str(program), *arguments), inherited() | {"GOGC": "35"}, sockets)


def _python(name: str, module: str, layout: Layout) -> Component:
    return Component(name, (sys.executable, "-m", module, str(layout.folder)), variables.for_program())
