"""What all clusters do alike once a kubeconfig and a context are known: kubectl, the Python client, a way to Services."""

import contextlib
import json
import re
import select
import subprocess
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from labsupport import inheritance
from labsupport.cluster import kubectl
from labsupport.cluster.kubectl import Access, Result
from labsupport.errors import LabsError

if TYPE_CHECKING:
    import kubernetes


class Connected:
    """The common part of the runtimes; each says its name and its access."""

    name: str

    @property
    def access(self) -> Access:
        raise NotImplementedError

    def kubectl(
        self, *arguments: str, stdin: str | bytes | None = None, timeout: float = 60.0, check: bool = True
    ) -> Result:
        return kubectl.run(self.access, *arguments, stdin=stdin, timeout=timeout, check=check)

    def get(self, *arguments: str, timeout: float = 60.0) -> dict[str, Any]:
        return dict(json.loads(self.kubectl("get", *arguments, "-o", "json", timeout=timeout).output))

    def start_kubectl(self, *arguments: str, **options: object) -> "subprocess.Popen[bytes]":
        return kubectl.start(self.access, *arguments, **options)

    def client(self) -> "kubernetes.client.ApiClient":
        import kubernetes

        file = self.access.kubeconfig
        configuration = kubernetes.client.Configuration()
        kubernetes.config.load_kube_config(
            config_file=str(file) if file else None,
            context=self.access.context,
            client_configuration=configuration,
        )
        configuration.no_proxy = inheritance.direct()["no_proxy"]
        return kubernetes.client.ApiClient(configuration)

    def image_advice(self, image: str) -> str | None:
        return None

    @contextlib.contextmanager
    def reach(self, service: str, port: int, namespace: str = "default") -> Iterator[str]:
        """Forward a free port of 127.0.0.1 to the Service; the URL holds until the context ends."""
        forward = self.start_kubectl(
            "port-forward", "-n", namespace, f"service/{service}", f":{port}", "--address=127.0.0.1"
        )
        try:
            yield f"http://127.0.0.1:{_forwarded_port(forward, service)}"
        finally:
            forward.terminate()
            forward.communicate()


def _forwarded_port(forward: "subprocess.Popen[bytes]", service: str, limit: float = 15.0) -> int:
    assert forward.stdout is not None and forward.stderr is not None
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline and forward.poll() is None:
        if select.select([forward.stdout], [], [], 0.2)[0]:
            line = forward.stdout.readline().decode()
            if found := re.match(r"Forwarding from 127\.0\.0\.1:(\d+)", line):
                return int(found[1])
    forward.terminate()
    said = forward.communicate()[1].decode().strip()
    raise LabsError(
        f"Service {service!r} can't be reached: {said or 'no forward'}. Look: kubectl get pods,endpointslices"
    )
