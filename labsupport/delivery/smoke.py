"""Ask a service from outside of the cluster, as a user would: does it answer, as the version that was released, and rightly?"""

import contextlib
import http.client
import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from labsupport import variables
from labsupport.errors import LabsError

READY, PREDICT = "/v2/health/ready", "/predict"
TOLERANCE = 1e-4
# A status (0: no answer) and a body, which is empty where it was no JSON object.
Answer = tuple[int, dict[str, Any]]
Ask = Callable[..., Answer]


def smoke_test(
    ask: Ask, version: str, question: Mapping[str, Any], expected: float, refused: Mapping[str, Any]
) -> list[str]:
    """Return what is wrong with a service, in sentences: nothing for a good one.

    `ask(path)` is a GET, `ask(path, body)` a POST. `question`: a deploy, whose probability to fail is known to be `expected` from
    the file that was released; `refused`: one that breaks the contract.
    """
    found = []
    status, _ = ask(READY)
    if status != 200:
        found.append(f"it is not ready: status {status}")
    status, body = ask(PREDICT, question)
    if status != 200:
        found.append(f"a good question gets status {status}")
    else:
        if str(body.get("version")) != str(version):
            found.append(f"version {body.get('version')} answers, and {version} was released")
        probability = body.get("probability_of_failure")
        # Not `>`: a server may answer NaN, and NaN is above nothing.
        if not isinstance(probability, int | float) or not abs(probability - expected) <= TOLERANCE:
            found.append("the known question gets another answer than the released file gives")
    status, _ = ask(PREDICT, refused)
    if not 400 <= status < 500:
        found.append(f"a bad question gets status {status}, and not 4xx")
    return found


def asking(url: str, seconds: float = 5.0) -> Ask:
    """Return a function that asks the server at an address."""
    where = urlsplit(url)

    def ask(path: str, body: Mapping[str, Any] | None = None) -> Answer:
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=seconds)
        try:
            text = None if body is None else json.dumps(body)
            connection.request("GET" if body is None else "POST", path, text, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            said = _object(answer.read())
            return answer.status, said
        except (OSError, http.client.HTTPException):
            return 0, {}
        finally:
            connection.close()

    return ask


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


@contextlib.contextmanager
def forwarded(service: str, port: int, namespace: str) -> Iterator[str]:
    """Yield an address of this machine from which `kubectl port-forward` leads to a Service; raises LabsError without one."""
    words = ["kubectl", "--namespace", namespace, "port-forward", f"service/{service}", f":{port}"]
    with subprocess.Popen(
        words, env=variables.for_kubectl(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            found = re.search(r"127\.0\.0\.1:(\d+)", said)
            if found is None:
                raise LabsError(
                    f"No way leads to the Service {service}: {said.strip() or 'kubectl port-forward ended'}."
                )
            yield f"http://127.0.0.1:{found[1]}"
        finally:
            process.terminate()
