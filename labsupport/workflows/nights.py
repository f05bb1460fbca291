"""The steps of a night: a day's batch from the bucket through the gate into a data version, and from there a model.

A folder on a volume is a git repository with DVC: `good/` holds the rows of each day that passed the gate, DVC keeps its
versions in the bucket, git says which one was when. Each step may run twice: it replaces what is its day's, and what is
named by its content is not made again.
"""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from labsupport import files
from labsupport.data import pipeline_steps
from labsupport.data.bucket import Bucket, md5
from labsupport.data.quality import GateClosed
from labsupport.serving.card import MODEL as FILE
from labsupport.serving.shelf import Shelf

MODEL = "deploy-risk"
TRACKED = "good"
WHO = b"night <night@example.invalid>"
# How many days a model learns from, the newest that are there.
WINDOW = 14


def prepare(folder: Path, bucket: Bucket) -> None:
    """Make the repository with the days of history, unless it is there; nothing is half made after an interruption."""
    # One writer at a time: what a killed one has left locked is nobody's.
    for stale in (".git/index.lock", ".dvc/tmp/rwlock"):
        (folder / stale).unlink(missing_ok=True)
    if _committed(folder) is not None:
        return
    from dvc.repo import Repo
    from scmrepo.git import Git

    for place in ("history", TRACKED, "inbox", "quarantine"):
        (folder / place).mkdir(parents=True, exist_ok=True)
    for key in bucket.tags("history/"):
        for place in ("history", TRACKED):
            files.write_bytes(folder / place / Path(key).name, bucket.get(key))
    (folder / ".gitignore").write_text("/history\n/inbox\n/quarantine\n")
    if not (folder / ".git").exists():
        Git.init(str(folder)).close()  # type: ignore[no-untyped-call]
    if not (folder / ".dvc").exists():
        Repo.init(str(folder)).close()
    with Repo(str(folder)) as repo, repo.config.edit() as settings:
        settings["remote"]["store"] = {"url": f"s3://{bucket.name}/dvc", "endpointurl": bucket.client.meta.endpoint_url}
        settings["core"]["remote"] = "store"
    days = sorted(path.stem for path in (folder / "history").glob("*.csv"))
    version(
        folder, days[-1], f"{len(days)} days of history", (".gitignore", ".dvc/config", ".dvc/.gitignore", ".dvcignore")
    )


def receive(folder: Path, bucket: Bucket, day: str) -> dict[str, str] | None:
    """Fetch a day's batch and return its `batch`, the name of its content; None where it has not come."""
    content = bucket.find(f"inbox/{day}.csv")
    if content is None:
        return None
    files.write_bytes(folder / "inbox" / f"{day}.csv", content)
    return {"day": day, "batch": md5(content)}


def check(folder: Path, bucket: Bucket, day: str) -> dict[str, Any]:
    """Judge a batch by the contract, and keep its bad rows in the bucket, with their reasons; return how many are good and bad.

    Raises GateClosed, with the report, for a batch that must not go on; the bucket has the report, too.
    """
    kept, said = folder / "quarantine" / f"{day}.jsonl", f"checks/{day}.txt"
    try:
        counts = pipeline_steps.check(folder, day)
        bucket.delete(said)
        return counts
    except GateClosed as stopped:
        bucket.put(said, str(stopped))
        raise
    finally:
        if kept.exists():
            bucket.put(f"quarantine/{day}.jsonl", kept.read_bytes())
        else:
            bucket.delete(f"quarantine/{day}.jsonl")


def version(folder: Path, day: str, words: str = "", more: tuple[str, ...] = ()) -> dict[str, str]:
    """Give the good rows of all days their version: into DVC's cache and the bucket, and its name into git.

    Return `data` and `commit`. The same rows have the same name: then nothing is pushed and nothing committed.
    """
    from dvc.repo import Repo

    pointer = folder / f"{TRACKED}.dvc"
    with Repo(str(folder)) as repo:
        (stage,) = repo.add([str(folder / TRACKED)])
        data = str(stage.outs[0].hash_info.value)
        repo.push()
        scm = repo.scm
        if pointer.read_bytes() != _committed(folder):
            scm.add([str(folder / name) for name in (f"{TRACKED}.dvc", ".gitignore", *more)])
            _commit(folder, day, words or f"rows of {day}")
        return {"data": data, "commit": str(scm.get_rev())}


def learn(folder: Path, bucket: Bucket, day: str, data: dict[str, str]) -> dict[str, Any]:
    """Learn from the newest days of a data version, and put the model on the shelf with the record of its making.

    A data version of which there is a model already teaches nothing new: that model's version is returned.
    """
    shelf = Shelf(bucket, MODEL)
    for number, record in shelf.records().items():
        if record["data"] == data["data"]:
            return {"version": number, "new": False}
    days = sorted(path.stem for path in (folder / TRACKED).glob("*.csv"))[-WINDOW:]
    model, rows = _train(folder, days)
    record = {"night": day, **data, "days": days, "rows": rows}
    return {"version": shelf.add(model, record), "new": True}


def promote(bucket: Bucket, made: dict[str, Any]) -> str:
    """Let the alias name the version that a night has made, and return it."""
    Shelf(bucket, MODEL).promote(made["version"])
    return str(made["version"])


def report(bucket: Bucket, day: str, came: Any, counts: Any, made: Any) -> dict[str, Any]:
    """Write what became of a night's batch, whatever happened, and return it: `moved` counts the rows that went on."""
    kept = bucket.find(f"quarantine/{day}.jsonl")
    line = {
        "night": day,
        "batch": came["batch"] if came else None,
        "moved": counts["good"] if counts else 0,
        "bad": len(kept.splitlines()) if kept else 0,
        "version": made["version"] if made else None,
        "new": bool(made and made["new"]),
    }
    bucket.put_json(f"nights/{day}.json", line)
    return line


def _train(folder: Path, days: list[str]) -> tuple[bytes, int]:
    """Return lesson 203's regression on these days as the file that is served, and how many rows taught it."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from labsupport.data.deploy_contract import training_rows
    from labsupport.ml import deploy_risk
    from labsupport.serving import export

    rows = training_rows([pipeline_steps.rows_of(folder, TRACKED, day) for day in days])
    seen = deploy_risk.features(rows)
    model = make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), LogisticRegression())
    model.fit(seen, rows["failed"].astype(int))
    known = seen.dropna()
    with tempfile.TemporaryDirectory() as work:
        how: dict[str, Any] = {"front": MODEL, "threshold": float(deploy_risk.PRICES.threshold)}
        export.export_sklearn(model, Path(work), known, deploy_risk.UNITS, **how)
        return (Path(work) / FILE).read_bytes(), len(rows)


def _committed(folder: Path) -> bytes | None:
    """Return the pointer to the data as the newest commit has it, or None where there is none yet."""
    from dulwich.errors import NotGitRepository
    from dulwich.object_store import tree_lookup_path
    from dulwich.objects import Blob, Commit
    from dulwich.repo import Repo as Git

    try:
        with Git(str(folder)) as git:
            head = git[git.head()]
            assert isinstance(head, Commit)
            _, name = tree_lookup_path(git.get_object, head.tree, f"{TRACKED}.dvc".encode())
            blob = git[name]
            assert isinstance(blob, Blob)
            return blob.data
    except (NotGitRepository, KeyError):
        return None


def _commit(folder: Path, day: str, words: str) -> None:
    """Commit what is staged, at the moment at which the day's run is due: the same night is the same commit everywhere."""
    from dulwich.repo import Repo as Git

    due = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(days=1) + pipeline_steps.BEGINS
    when: dict[str, Any] = {
        f"{who}_{what}": value
        for who in ("commit", "author")
        for what, value in (("timestamp", due.timestamp()), ("timezone", 0))
    }
    with Git(str(folder)) as git:
        git.get_worktree().commit(message=words.encode(), committer=WHO, author=WHO, **when)
