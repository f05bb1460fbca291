"""An edit of the pipeline's files: what DVC would run after it, and what comes out when everything runs."""

import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from labsupport.data import lineage
from labsupport.data.nightly import STEPS, Nights, put_files, run_steps

EDITABLE = ("params.yaml", "columns.py", *STEPS)


@dataclass(frozen=True)
class Edited:
    """`first`: the first step of which a declared file or parameter changed; None where DVC would skip all.

    `before`, `after`: model and metrics when every step runs, as texts; without them where `first` is a step.
    """

    first: str | None
    before: str = ""
    after: str = ""


@cache
def after_edit(name: str, old: str, new: str) -> Edited:
    """Replace a text in one of the `EDITABLE` files wherever it stands. The data are small ones of one night.

    Raises ValueError where the text does not stand in the file, and LabsError where a step then fails.
    """
    nights = Nights(0, per_day=100, judged=600)
    with tempfile.TemporaryDirectory(prefix="labs-edit-") as work:
        folders = [Path(work) / "before", Path(work) / "after"]
        for folder in folders:
            put_files(folder)
            nights.write(folder, 6)
        text = (folders[1] / name).read_text()
        if not old or old not in text:
            raise ValueError(f"{old[:40]!r} does not stand in {name}")
        (folders[1] / name).write_text(text.replace(old, new))
        for was, now in zip(*map(lineage.declared, folders), strict=True):
            if was != now:
                return Edited(was.name)
        run_steps(folders)
        return Edited(None, *(_results(folder) for folder in folders))


def _results(folder: Path) -> str:
    return "\n".join((folder / name).read_text() for name in ("metrics.json", "model.json"))
