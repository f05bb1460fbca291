"""Where a result came from: from a file back through the steps of `dvc.lock` to its sources, and from there to rows."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Step:
    """One step as it last ran: its command, path -> md5 of what it read and wrote, and the parameters that it declares."""

    name: str
    command: str
    reads: dict[str, str]
    params: dict[str, Any]
    writes: dict[str, str]


@dataclass(frozen=True)
class RowChanges:
    """How two versions of a table differ, by key: keys in the order of the version that has them.

    `cells` has a row for each changed value: `key`, `column`, `before`, `after`.
    """

    added: list[Any]
    removed: list[Any]
    changed: list[Any]
    cells: "pd.DataFrame"


def steps(lock: str) -> list[Step]:
    """Return the steps of a `dvc.lock`, by its text."""
    found = []
    for name, said in (yaml.safe_load(lock).get("stages") or {}).items():
        files = ({each["path"]: each["md5"] for each in said.get(part, [])} for part in ("deps", "outs"))
        reads, writes = files
        params = {key: value for each in said.get("params", {}).values() for key, value in each.items()}
        found.append(Step(name, said["cmd"], reads, params, writes))
    return found


def trace(lock: str, path: str) -> list[Step]:
    """Return the steps that a file came through, each before those whose outputs it read; [] for a source."""
    by_output = {out: step for step in steps(lock) for out in step.writes}
    ordered: list[Step] = []

    def follow(wanted: str) -> None:
        step = by_output.get(wanted)
        if step is None:
            return
        # Its latest place counts: behind every step that needs it.
        if step in ordered:
            ordered.remove(step)
        ordered.append(step)
        for read in step.reads:
            follow(read)

    follow(path)
    return ordered


def sources(lock: str, path: str) -> dict[str, Any]:
    """Return what a file came from and no step made: path -> md5, and parameter -> value."""
    passed = trace(lock, path)
    made = {out for step in passed for out in step.writes}
    files = {read: md5 for step in passed for read, md5 in step.reads.items() if read not in made}
    return files | {key: value for step in passed for key, value in step.params.items()}


def declared(folder: Path) -> list[Step]:
    """Return the steps of a folder's `dvc.yaml`, with what they declare as it is there now: what `dvc repro` looks at.

    A file that is not there has no hash, and is left out.
    """
    params = yaml.safe_load((folder / "params.yaml").read_text())
    found = []
    for name, said in yaml.safe_load((folder / "dvc.yaml").read_text())["stages"].items():
        outs = [*said.get("outs", []), *(next(iter(each)) for each in said.get("metrics", []))]
        values = {key: _value(params, key) for key in said.get("params", [])}
        found.append(Step(name, said["cmd"], _hashes(folder, said.get("deps", [])), values, _hashes(folder, outs)))
    return found


def row_changes(before: "pd.DataFrame", after: "pd.DataFrame", key: str) -> RowChanges:
    """Compare two versions of a table by a column whose values are unique in each; a gap equals a gap.

    Columns that only one of them has are left aside. Raises ValueError for a key that comes twice.
    """
    import pandas as pd

    for name, version in (("before", before), ("after", after)):
        if not version[key].is_unique:
            raise ValueError(f"{key} comes twice in the version {name}: rows can't be told apart by it")
    old, new = before.set_index(key), after.set_index(key)
    both = [each for each in new.index if each in old.index]
    cells = []
    for column in [name for name in new.columns if name in old.columns]:
        was, now = old.loc[both, column], new.loc[both, column]
        differ = ((was != now) & ~(was.isna() & now.isna())).to_numpy(dtype=bool)
        cells.append(
            pd.DataFrame({"key": now.index[differ], "column": column, "before": was[differ].astype(object).to_numpy(), "after": now[differ].astype(object).to_numpy()})
        )  # fmt: skip
    table = pd.concat(cells, ignore_index=True)
    touched = set(table["key"])
    return RowChanges(
        added=[each for each in new.index if each not in old.index],
        removed=[each for each in old.index if each not in new.index],
        changed=[each for each in both if each in touched],
        cells=table,
    )


def md5_of(path: Path) -> str | None:
    """Return the md5 of a file's bytes as hex digits, as DVC names versions; None where there is no file."""
    try:
        with path.open("rb") as content:
            return hashlib.file_digest(content, "md5").hexdigest()
    except FileNotFoundError:
        return None


def fingerprint(folder: Path) -> dict[str, str]:
    """Return path -> md5 of every file below a folder, in order of paths; hidden ones are left out."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    relative = {path: path.relative_to(folder) for path in files}
    return {
        place.as_posix(): str(md5_of(path))
        for path, place in relative.items()
        if not any(part.startswith(".") for part in place.parts)
    }


def _hashes(folder: Path, files: list[str]) -> dict[str, str]:
    found = {path: md5_of(folder / path) for path in files}
    return {path: md5 for path, md5 in found.items() if md5}


def _value(params: Any, key: str) -> Any:
    for part in key.split("."):
        params = params.get(part) if isinstance(params, dict) else None
    return params
