"""How long a step takes with more workers: as benchmarks/distributed.py measured it, and as three numbers foretell it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_FOLDER = Path(__file__).parent / "measured"
TABLE = _FOLDER / "distributed.csv"
RESULTS = _FOLDER / "distributed.json"


def measured() -> "pd.DataFrame":
    """Return a row for each training and number of workers: `training`, `workers`, `work_ms`, `step_ms`, `talk_ms`, `speed_up`.

    Milliseconds of a step: the slowest worker's own work, all of it, and the rest, in which it talks and waits. `speed_up`:
    the step of one worker over this one, for the same pictures a step.
    """
    import pandas as pd

    table = pd.read_csv(TABLE)
    alone = table[table.workers == 1].set_index("training").step_ms
    return table.assign(
        talk_ms=table.step_ms - table.work_ms, speed_up=table.training.map(alone).to_numpy() / table.step_ms
    )


def results() -> dict[str, Any]:
    """Return the day, the machine's cores, and what tf.distribute did (see benchmarks/distributed.py)."""
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return found


def step_seconds(
    workers: int, pictures: int, picture_s: float, vector_bytes: float, bytes_per_s: float, message_s: float
) -> float:
    """Return the seconds of a step on machines of their own, joined in a ring.

    The worker with the most pictures works `picture_s` for each; then 2 (N - 1) messages go round, each of an N-th of the
    vector, at `bytes_per_s`, each with `message_s` of its own. One worker sends none.
    """
    most = -(-pictures // workers)
    messages = 2 * (workers - 1)
    return most * picture_s + messages * (vector_bytes / workers / bytes_per_s + message_s)
