"""The files of a volume that comes from the API server: replaced all at once."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class File:
    """One file of a volume."""

    content: bytes
    mode: int


def write_files(folder: Path, files: dict[str, File]) -> None:
    """Replace a volume's files all at once: they are links into `..data`, a link to a folder of this moment.

    That is the kubelet's own way; a reader sees all files of before or all of now.
    """
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "..data"
    if _same(link, files):
        return
    moment = folder / f"..{time.time_ns()}"
    for name, file in files.items():
        target = moment / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.content)
        target.chmod(file.mode)
    moment.mkdir(exist_ok=True)
    # An earlier try may have broken off here.
    (folder / "..data_tmp").unlink(missing_ok=True)
    before = link.readlink() if link.is_symlink() else None
    (folder / "..data_tmp").symlink_to(moment.name)
    (folder / "..data_tmp").replace(link)
    tops = {Path(name).parts[0] for name in files}
    for top in tops:
        if not (folder / top).is_symlink():
            (folder / top).symlink_to(Path("..data") / top)
    for old in folder.iterdir():
        if not old.name.startswith("..") and old.name not in tops:
            old.unlink()
    if before is not None:
        shutil.rmtree(folder / before, ignore_errors=True)


def _same(link: Path, files: dict[str, File]) -> bool:
    if not link.exists():
        return False
    there = {str(file.relative_to(link)): file.read_bytes() for file in link.rglob("*") if file.is_file()}
    return there == {name: file.content for name, file in files.items()}
