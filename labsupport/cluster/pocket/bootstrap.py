"""Wait until the API server is ready, then give it what this cluster needs: rights of its node, storage, metrics."""

import base64
import http.client
import json
import logging
import ssl
import sys
import time
from pathlib import Path
from string import Template
from typing import Any

import yaml

from labsupport.cluster.pocket.layout import AGENT_GROUP, NODE_NAME, Layout

OBJECTS = Path(__file__).parent / "node" / "bootstrap.yaml"
TIME_LIMIT = 60.0
_PAUSE = 0.05
log = logging.getLogger("bootstrap")


class NotReady(http.client.HTTPException):
    """The API server has not answered as it should; the text says what it said last."""


def main(folder: str) -> int:
    """Return 0 when everything is applied, 1 with the reason in the log when the time is over."""
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    layout = Layout(Path(folder))
    started = time.monotonic()
    limit = started + TIME_LIMIT
    problem: Exception = NotReady("it was never asked")
    while time.monotonic() < limit:
        try:
            request(layout, "GET", "/readyz")
            log.info("the API server is ready after %.1f s", time.monotonic() - started)
            apply_all(layout)
            return 0
        except (OSError, http.client.HTTPException) as error:
            problem = error
            time.sleep(_PAUSE)
    log.error("the API server was not ready within %.0f s: %s", TIME_LIMIT, problem)
    return 1


def apply_all(layout: Layout) -> None:
    """Apply every object of bootstrap.yaml by server-side apply; objects that are there already are only renewed."""
    values = {
        "AGENT_GROUP": AGENT_GROUP,
        "NODE_NAME": NODE_NAME,
        "KUBELET_PORT": str(layout.ports().kubelet),
        "CA_BUNDLE": base64.b64encode(layout.certificate("ca").read_bytes()).decode(),
    }
    for item in yaml.safe_load_all(Template(OBJECTS.read_text()).substitute(values)):
        request(layout, "PATCH", f"{path(item)}?fieldManager=labs&force=true", item)


def path(item: dict[str, Any]) -> str:
    """Return the API path of an object: group, version, namespace, plural (regular for all that we apply), name."""
    group_version, kind, metadata = item["apiVersion"], item["kind"].lower(), item["metadata"]
    root = f"/api/{group_version}" if group_version == "v1" else f"/apis/{group_version}"
    namespace = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    plural = kind + "es" if kind.endswith("s") else kind + "s"
    return f"{root}{namespace}/{plural}/{metadata['name']}"


def request(layout: Layout, method: str, target: str, body: Any = None) -> bytes:
    """Send one request with the administrator's rights; raises NotReady for any answer but success."""
    context = ssl.create_default_context(cafile=str(layout.certificate("ca")))
    context.load_cert_chain(layout.certificate("admin"), layout.key("admin"))
    connection = http.client.HTTPSConnection("127.0.0.1", layout.ports().apiserver, context=context, timeout=10)
    try:
        headers = {"Content-Type": "application/apply-patch+yaml"} if body is not None else {}
        connection.request(method, target, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
    finally:
        connection.close()
    if answer.status >= 300:
        raise NotReady(f"{method} {target}: {answer.status} {text[:500].decode(errors='replace')}")
    return text


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
