"""A cluster that somebody else runs: any context of the user's own kubeconfig."""

import subprocess
from pathlib import Path

from labsupport import variables
from labsupport.cluster import kubectl
from labsupport.cluster.connected import Connected
from labsupport.cluster.interface import Report, Status
from labsupport.cluster.kubectl import Access
from labsupport.errors import LabsError


class ContextCluster(Connected):
    """A cluster of the user's kubeconfig, which the labs use but neither start nor stop."""

    def __init__(self, name: str, context: str) -> None:
        self.name = name
        self._access = Access(context)

    @property
    def access(self) -> Access:
        return self._access

    def known_contexts(self) -> list[str]:
        """Return the contexts of the user's kubeconfig; none when there is no kubectl."""
        try:
            listed = subprocess.run(
                [kubectl.find(), "config", "get-contexts", "-o", "name"],
                capture_output=True,
                text=True,
                timeout=10,
                env=variables.for_kubectl(),
            )
        except (LabsError, OSError, subprocess.TimeoutExpired):
            return []
        return listed.stdout.split()

    def exists(self) -> bool:
        return self._access.context in self.known_contexts()

    def up(self, report: Report | None = None) -> None:
        status = self.status()
        if not status.ready:
            raise LabsError(
                f"{status.sentence} The labs don't start it: start it yourself, or set LABS_CLUSTER=pocket."
            )

    def down(self, keep: bool = False) -> bool:
        raise LabsError(
            f"The labs don't stop the cluster of context {self._access.context!r}, because they didn't start it."
        )

    def status(self) -> Status:
        answer = self.kubectl("get", "--raw", "/readyz", "--request-timeout=3s", timeout=10, check=False)
        if answer.ok:
            return Status(True, f"The cluster of context {self._access.context!r} is ready.")
        said = answer.errors.strip().splitlines()[-1:] or ["no answer"]
        return Status(False, f"The cluster of context {self._access.context!r} does not answer ({said[0]}).")

    def logs(self, program: str | None = None) -> list[Path]:
        raise LabsError("Only the pocket cluster keeps logs of its programs here; try: kubectl -n kube-system get pods")
