"""How a check sees a lab: a snapshot of its namespace, taken now or, in a test, recorded."""

from pathlib import Path

from labsupport import paths
from labsupport.cluster import lab, snapshot
from labsupport.cluster.snapshot import Snapshot


def now(key: str) -> Snapshot:
    """Look at the lab that this kernel works on; raises LabsError when none was started."""
    return lab.current(key).snapshot()


def recorded(name: str) -> Snapshot:
    """Return the snapshot that was recorded under a name, such as `601-served`."""
    return snapshot.load(folder() / f"{name}.json.gz")


def folder() -> Path:
    """Return the folder of the recorded snapshots."""
    return paths.course_root() / "tests" / "lessons" / "snapshots"
