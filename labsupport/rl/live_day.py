"""What `benchmarks/live_day.py` measured: a whole day on a real cluster, with its date."""

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("live_day.json")


def results() -> dict[str, Any]:
    """Return for `policy` and `hpa` what the `cluster` and the `simulator` did, and at how many steps they differ."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found
