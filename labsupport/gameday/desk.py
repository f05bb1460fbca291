"""The ledger of deploys on the cluster, asked and told over HTTP (labsupport.apps.ledger is its program)."""

import json
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

from labsupport.cluster.lab import Lab
from labsupport.errors import LabsError

SERVICE, PORT = "ledger", 8087


def rows(lab: Lab, last: int = 600, since: float | None = None) -> list[dict[str, Any]]:
    """Return the newest rows of the ledger, or all since a time (s since 1970), oldest first."""
    asked = f"last={last}" if since is None else f"since={since}"
    found: list[dict[str, Any]] = json.loads(lab.fetch(SERVICE, PORT, f"/rows?{asked}", seconds=30))
    return found


def turned(lab: Lab) -> dict[str, int]:
    """Return the ledger's own record of labels that were turned over: `turned`, of those `void`, and `good_void`."""
    found: dict[str, int] = json.loads(lab.fetch(SERVICE, PORT, "/turned", seconds=30))
    return found


def spans(lab: Lab) -> list[str]:
    """Return the ids of the newest traces of which the model server sent a span."""
    found: list[str] = json.loads(lab.fetch(SERVICE, PORT, "/traces", seconds=30))
    return found


def post(lab: Lab, action: str, **said: Any) -> Any:
    """Tell the ledger something (world, backfill, reference, quarantine); returns what was done. Raises LabsError."""
    with lab.cluster.reach(SERVICE, PORT, lab.namespace) as url:
        asked = Request(f"{url}/{action}", json.dumps(said).encode(), {"Content-Type": "application/json"})
        try:
            answer = build_opener(ProxyHandler({})).open(asked, timeout=30)
        except OSError as error:
            raise LabsError(f"The ledger does not do {action}: {error}. Is its pod ready?") from None
        return json.loads(answer.read())["done"]


def arguments(lab: Lab, counted: str) -> list[str]:
    """Return the arguments of the desk's program as its manifest has them, with another way to count failed tests."""
    deployment = next(item for item in lab.objects("ledger.yaml") if item["kind"] == "Deployment")
    words: list[str] = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    return [f"--count-tests={counted}" if word.startswith("--count-tests") else word for word in words]
