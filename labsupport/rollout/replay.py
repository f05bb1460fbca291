"""Send recorded questions over HTTP, one after another over one connection, and keep what came back."""

import http.client
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit


class Answer(NamedTuple):
    """A status (0 when the connection broke) and a body, which is empty where it was no JSON object."""

    status: int
    body: dict[str, Any]

    @property
    def version(self) -> str:
        """The version that answered, or "" when none did."""
        return str(self.body.get("version", ""))


def ask(
    url: str, questions: Iterable[tuple[Mapping[str, Any], Mapping[str, str]]], path: str = "/predict"
) -> list[Answer]:
    """POST each question (a body and headers), and return the answers in the same order."""
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
    answers = []
    try:
        for body, headers in questions:
            try:
                connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json", **headers})
                answer = connection.getresponse()
                answers.append(Answer(answer.status, _object(answer.read())))
            except (OSError, http.client.HTTPException):
                connection.close()
                answers.append(Answer(0, {}))
    finally:
        connection.close()
    return answers


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
