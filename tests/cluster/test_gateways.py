"""The kinds of the Gateway API, and what is said of routes."""

import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from labsupport.cluster import gateways
from labsupport.cluster.kubectl import Result


def test_the_kinds_are_found_in_a_folder_with_any_name() -> None:
    asked: list[str] = []

    def ask(line: str) -> str:
        asked.append(line)
        return ""

    cluster = SimpleNamespace(kubectl=lambda *_: Result(0, "", ""))
    lab: Any = SimpleNamespace(
        number="615",
        kinds=[],
        manifests=Path("/my course/manifests/615"),
        cluster=cluster,
        ask=ask,
    )
    gateways.define(lab)
    assert shlex.split(asked[0])[-1] == "/my course/manifests/611/gateway-api.yaml"
