"""Lesson 602, an MLflow server on the cluster: checks on a Secret and a back-up, and on snapshots of the cluster."""

import contextlib
import fnmatch
import sqlite3
import tempfile
from base64 import b64encode
from pathlib import Path
from typing import Any

from labsupport.cluster import look
from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail, NotAttempted

Object = dict[str, Any]
exercises = Exercises("602")
NAMES = ("mlflow:5000", "mlflow.lab-602.svc.cluster.local:5000")
# A pocket cluster takes any part of 127.64.0.0/10 for its Services.
ADDRESSES = ("127.0.0.1:45678", "127.64.0.9:5000", "127.95.255.9:5000", "127.96.7.9:5000")
STRANGERS = ("evil.example:5000", "mlflow.evil.example:5000")


@exercises.check(
    "1",
    "What a Secret hides",
    hints=(
        "`secret['data']['auth.ini']` is the file in base64: a way to write bytes as letters. Nothing is locked.",
        "`base64.b64decode(...)` gives bytes; `.decode()` makes a text of them.",
        "`parser = configparser.ConfigParser(); parser.read_string(text)`, then `parser['mlflow']['admin_password']`.",
    ),
)
def password_of(answer: Guarded) -> str:
    """Hand over Secrets with three passwords, two of them with signs that separate a key from its value."""
    read = expect.function(answer)
    for password in ("correct-horse", "b4ttery=staple", "staple:horse"):
        text = f"[mlflow]\nadmin_username = admin\nadmin_password = {password}\ndefault_permission = READ\n"
        encoded = b64encode(text.encode()).decode()
        secret = {"kind": "Secret", "data": {"auth.ini": encoded, "session-key": b64encode(b"unused").decode()}}
        saw = read(secret)
        if saw is None:
            raise Fail("`None`", "the password", "the function has no `return`")
        if isinstance(saw, bytes):
            raise Fail(f"bytes: `{saw!r}`"[:60], "a text", "`.decode()` makes a text of bytes")
        shown = " ".join(str(saw).split())[:40]
        if saw == encoded:
            raise Fail(f"`{shown}...`", "the password", "this is still base64: decode it")
        if isinstance(saw, str) and saw.strip() == text.strip():
            raise Fail(f"`{shown}...`", "the password alone", "this is the whole file: take `admin_password` out of it")
        if isinstance(saw, str) and saw.strip() not in text:
            cause = "read it from the argument `secret`: each Secret has a password of its own"
            raise Fail("a text that is not in this Secret", "its password", cause)
        if saw != password:
            shown = repr(saw)[:40] if str(saw) != str(saw).strip() else shown
            cause = "the value of `admin_password` in the section `mlflow`, without quotes or spaces"
            if isinstance(saw, str) and password.startswith(saw):
                cause = "a password may hold an = itself: cut at the first one only"
            raise Fail(f"`{shown}`", f"`{password}`", cause)
    return "Three passwords read, and no key was needed. Whoever may read the Secret has the password."


@exercises.check(
    "2",
    "Names by which clients come",
    hints=(
        "The log of `client` has the reason. `MLFLOW_SERVER_ALLOWED_HOSTS` is a list, with commas between its patterns.",
        "A client sends name AND port, `mlflow:5000`. A pattern for that is `mlflow:*`.",
        'Set the variable to `"127.*,mlflow:*,mlflow.lab-602.svc.cluster.local:*"`; variables are merged by their name.',
    ),
    minutes=6,
    look=look,
)
def names_of_clients(snapshot: Any) -> str:
    """Try hosts on the Deployment's patterns as MLflow does: names, addresses, and strangers; then look at the rollout."""
    container = _container(snapshot)
    said = _setting(container, "MLFLOW_SERVER_ALLOWED_HOSTS", "--allowed-hosts")
    patterns = [pattern.strip() for pattern in (said or "").split(",") if pattern.strip()]
    if patterns == ["127.*"]:
        raise NotAttempted("The server still allows `127.*` and nothing else.")

    def allowed(host: str) -> bool:
        # As in mlflow.server.security_utils.is_allowed_host_header.
        return any(fnmatch.fnmatch(host, pattern) for pattern in patterns)

    if "*" in patterns:
        cause = (
            "every name passes, so the check is off: any web page can lead a colleague's browser here. Name the names"
        )
        raise Fail("allowed hosts: *", "the Service's names", cause)
    if through := [host for host in STRANGERS if allowed(host)]:
        cause = f"this also lets {through[0]} in: end the pattern's name where the Service's name ends"
        raise Fail(f"allowed hosts: {said}", "the Service's names, and no others", cause)
    for host in NAMES:
        if allowed(host):
            continue
        cause = f"clients that ask for {host} are still refused"
        if allowed(host.partition(":")[0]):
            cause = f"the name without a port: clients send {host}, so let the pattern end with `:*` or `:5000`"
        raise Fail(f"allowed hosts: {said or 'none set'}", f"a pattern for {host}", cause)
    if not all(allowed(host) for host in ADDRESSES):
        cause = "your notebook comes by an address, and you have just locked it out: keep `127.*`"
        raise Fail(f"allowed hosts: {said}", "a pattern for 127.…, too", cause)
    _serves(snapshot)
    return f"{len(patterns)} patterns: the Service's names pass, strangers do not."


@exercises.check(
    "3",
    "Books on a volume",
    hints=(
        "Three things: a volume from the claim `books`, a mount of it in the container, and two variables that name paths there.",
        "The server reads `MLFLOW_BACKEND_STORE_URI` (runs) and `MLFLOW_ARTIFACTS_DESTINATION` (models); see lesson 204.",
        "`sqlite:///` and then the path: with `/books/mlflow.db` these are four slashes. Three are a path beside the program.",
        '`"volumes": [{"name": "books", "persistentVolumeClaim": {"claimName": "books"}}]`, and in the container '
        '`"volumeMounts": [{"name": "books", "mountPath": "/books"}]`.',
    ),
    minutes=8,
    look=look,
)
def books_on_a_volume(snapshot: Any) -> str:
    """Follow both paths, of runs and of models, through the mount to the claim; then look at the rollout."""
    container, file_here = _container(snapshot), Path("/books/mlflow.db")
    pod = snapshot.get("Deployment", "mlflow")["spec"]["template"]["spec"]
    store = _setting(container, "MLFLOW_BACKEND_STORE_URI", "--backend-store-uri")
    models = _setting(container, "MLFLOW_ARTIFACTS_DESTINATION", "--artifacts-destination")
    for_clients = _setting(container, "MLFLOW_TRACKING_URI", "") or ""
    claims = {
        volume["name"]: volume["persistentVolumeClaim"]["claimName"]
        for volume in pod.get("volumes") or []
        if "persistentVolumeClaim" in volume
    }
    mounts = {
        mount["mountPath"].rstrip("/"): claims[mount["name"]]
        for mount in container.get("volumeMounts") or []
        if mount["name"] in claims
    }
    if not claims and store is None and models is None and for_clients == "sqlite:///mlflow.db":
        raise NotAttempted("The Deployment has no volume for its books yet, and no variable that names one.")
    if store is None:
        cause = "the server asks for `MLFLOW_BACKEND_STORE_URI`; without it, it takes a file of its own"
        if for_clients != "sqlite:///mlflow.db":
            cause = "`MLFLOW_TRACKING_URI` is read by clients; the server reads `MLFLOW_BACKEND_STORE_URI`"
        raise Fail("no MLFLOW_BACKEND_STORE_URI", "where the runs are kept", cause)
    if not claims:
        kinds = [next(iter(set(volume) - {"name"})) for volume in pod.get("volumes") or []]
        cause = "an emptyDir or the container's own folder goes with the pod; a claim stays: persistentVolumeClaim"
        raise Fail(f"volumes of the kinds {', '.join(kinds)}", "a volume from the claim `books`", cause)
    if "books" not in claims.values():
        other = f"the claim {', '.join(claims.values())}"
        cause = "the other claim is for the back-up: a copy beside its original is none"
        if unknown := sorted(set(claims.values()) - {_name(item) for item in snapshot.all("PersistentVolumeClaim")}):
            cause = f"there is no claim `{unknown[0]}`: a pod waits for it, Pending"
        raise Fail(other, "the claim `books`", cause)
    if "books" not in mounts.values():
        cause = "a volume that no container mounts is of no use: volumeMounts, by the volume's name"
        if file_here.exists():
            cause += f". And a pod of the pocket cluster sees your machine's folders: it has made {file_here.parent}. Delete it"
        raise Fail("a volume, and no mount of it", "a mount of `books`", cause)
    place = next(path for path, claim in mounts.items() if claim == "books")
    if not store.startswith("sqlite:///"):
        raise Fail(
            f"store {store}", f"sqlite:///{place}/mlflow.db", "the store is an address: `sqlite:///` and the path"
        )
    file = store.removeprefix("sqlite:///")
    if not file.startswith("/"):
        cause = "three slashes and a relative path: it lies beside the program, in the pod. One slash more"
        raise Fail(f"store {store}", f"sqlite:///{place}/mlflow.db", cause)
    if not file.startswith(f"{place}/"):
        cause = f"the volume is mounted at {place}, and this path is elsewhere"
        raise Fail(f"store {store}", f"a file below {place}", cause)
    if models is None or not models.removeprefix("file://").startswith(f"{place}/"):
        cause = "the runs would stay and their models would go: MLFLOW_ARTIFACTS_DESTINATION, below the same mount"
        raise Fail(f"artifacts {models or 'where the server likes'}", f"a folder below {place}", cause)
    _serves(snapshot)
    return f"Runs and models are below {place}, on the claim `books`, which no pod takes along."


_ROWS = 200


@exercises.check(
    "4",
    "A copy of a living database",
    hints=(
        "SQLite may keep committed rows in a second file beside the database. Only SQLite knows all of it, so let SQLite copy.",
        "Connect to both files: `sqlite3.connect(database)` and `sqlite3.connect(target)`.",
        "`live.backup(copy)` copies from the connection before the dot to the one in brackets. Close both.",
    ),
    minutes=6,
)
def back_up(answer: Guarded) -> str:
    """Let the answer copy a database with a writer at work, twice, and compare the committed rows with those of the copy."""
    copy = expect.function(answer)
    with tempfile.TemporaryDirectory(prefix="labs-books-") as name:
        database, target = Path(name) / "mlflow.db", Path(name) / "copy.db"
        with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as writer:
            writer.execute("pragma journal_mode = wal")
            writer.execute("pragma wal_autocheckpoint = 0")
            writer.execute("create table runs (name text)")
            for night in (1, 2):
                writer.executemany("insert into runs values (?)", [(f"run {night}",)] * _ROWS)
                # Not in the first night: who copies into the live database by mistake would wait for the writer for ever.
                if night == 2:
                    writer.execute("begin")
                    writer.execute("insert into runs values ('unfinished')")
                copy(str(database), str(target))
                _compare(database, target, night * _ROWS, night)
    return "Two nights, two complete copies, and the writer did not have to stop."


def _compare(database: Path, target: Path, committed: int, night: int) -> None:
    want = f"{committed} rows, all that were committed"
    if not database.exists():
        raise Fail("no database any more", "a copy beside it", "it was moved: the server would go on without its books")
    if _rows(database) != committed:
        cause = "the wrong direction: the live database was overwritten. The source stands before the dot"
        raise Fail("a live database that has lost its rows", "an untouched one", cause)
    if not target.exists():
        raise Fail(f"no file {target.name}", "a copy", "the copy belongs into the file `target`")
    # SQLite removes this second file when the last connection is closed.
    torn = Path(f"{target}-wal").exists()
    found = _rows(target)
    if found == committed and torn:
        cause = (
            "file by file: what is written between two of them is in one only, and the copy is torn. Let SQLite copy"
        )
        raise Fail("copies of several files", "one copy, as of one moment", cause)
    if found == committed:
        return
    if found is None:
        cause = "a copy of the file alone lacks what is still in `mlflow.db-wal`. SQLite knows both: let it copy, by `backup`"
        raise Fail("a copy without the table `runs`, or one that is no database", want, cause)
    cause = "rows are missing: let SQLite copy, by the `backup` of its connection"
    if night == 2 and found == _ROWS:
        cause = "this is last night's copy: `target` may be there already, and must be replaced"
    elif found > committed:
        cause = "more rows than were committed: the second copy was added to the first"
        if found == committed + 1:
            cause = "a row is there that was never committed"
    raise Fail(f"a copy with {found} rows", want, cause)


def _rows(path: Path) -> int | None:
    try:
        with contextlib.closing(sqlite3.connect(path)) as database:
            return int(database.execute("select count(*) from runs").fetchone()[0])
    except sqlite3.Error:
        return None


@exercises.check(
    "5",
    "Back from the back-up",
    hints=(
        "A server that runs has files open. In which order do stop, copy and start make sense?",
        "`kubectl scale deployment/mlflow --replicas=0`, then `kubectl wait --for=delete pod -l app=mlflow`.",
        "`kubectl create job restored --from=cronjob/restore`, then `kubectl wait --for=condition=Complete job/restored`.",
        "And back to `--replicas=1`.",
    ),
    minutes=7,
    look=look,
)
def restored(snapshot: Any) -> str:
    """Look for a Job of `restore` that completed, and for a server on the same volume that started after it."""
    _container(snapshot)
    jobs = [job for job in snapshot.all("Job") if _made_by(job) == "restore"]
    pods = snapshot.pods_of("mlflow")
    wanted = snapshot.get("Deployment", "mlflow")["spec"]["replicas"]
    if not jobs:
        if wanted:
            raise NotAttempted("No Job was made from the CronJob `restore` yet.")
        cause = "the server is stopped, which is right; now make a Job from the CronJob `restore`"
        raise Fail("no server, and no Job of `restore`", "a restore", cause)
    volumes = snapshot.get("Deployment", "mlflow")["spec"]["template"]["spec"].get("volumes") or []
    if "books" not in [volume.get("persistentVolumeClaim", {}).get("claimName") for volume in volumes]:
        cause = 'this server has no books: run the cell after `check("602.3", ...)` again, it mounts them'
        raise Fail("a Deployment without the claim `books`", "the server of 602.3", cause)
    ends = {name: end for job in jobs if (end := job.get("status", {}).get("completionTime")) for name in [_name(job)]}
    if not ends:
        failed = [_name(job) for job in jobs if job.get("status", {}).get("failed")]
        if not failed:
            raise Fail("a restore that is not complete", "a complete one", "wait for the Job, then check again")
        said = next((text for name, text in snapshot.logs.items() if name.startswith(f"{failed[0]}-")), "").strip()
        raise Fail("a restore that failed", "a complete one", f"its last words: {said.splitlines()[-1:] or ['none']}")
    if not wanted:
        cause = "the books are back, and nobody serves them: scale the Deployment to 1"
        raise Fail("0 replicas", "1 replica", cause)
    done = max(ends.values())
    if early := [pod for pod in pods if pod.get("status", {}).get("startTime", done) < done]:
        cause = (
            "a running server keeps the old file open and goes on with that: stop it and wait until it is gone, then "
            "restore, then start it"
        )
        raise Fail(f"{len(early)} server older than the restored files", "one that started after them", cause)
    _serves(snapshot)
    return "Restored, and then started: this server has opened the restored books."


def _container(snapshot: Any) -> Object:
    deployment = snapshot.get("Deployment", "mlflow")
    if deployment is None:
        raise NotAttempted("There is no Deployment `mlflow` in the namespace: run the cell that applies server.yaml.")
    found: Object = deployment["spec"]["template"]["spec"]["containers"][0]
    return found


def _setting(container: Object, variable: str, option: str) -> str | None:
    """Return what the server is told by an option or, if there is none, by a variable."""
    words = [*(container.get("command") or []), *(container.get("args") or [])]
    for number, word in enumerate(words):
        if option and word == option and number + 1 < len(words):
            return str(words[number + 1])
        if option and word.startswith(f"{option}="):
            return str(word.partition("=")[2])
    return next((entry.get("value") for entry in container.get("env") or [] if entry["name"] == variable), None)


def _serves(snapshot: Any) -> None:
    """Raise Fail, with the server's last words where it has some, unless the newest template's pod is ready."""
    deployment = snapshot.get("Deployment", "mlflow")
    status, wanted = deployment.get("status", {}), deployment["spec"]["replicas"]
    # Until the controller has seen a patch, its numbers are about the template before.
    seen = status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
    if seen and wanted and min(status.get("updatedReplicas", 0), status.get("availableReplicas", 0)) >= wanted:
        return
    pods = {_name(pod): pod for pod in snapshot.pods_of("mlflow")}
    again = [
        name
        for name, pod in pods.items()
        if any(one.get("restartCount") for one in pod.get("status", {}).get("containerStatuses") or [])
    ]
    cause = "it takes its time to start: wait for the rollout, then check again"
    if again:
        said = snapshot.logs.get(f"{again[0]}/mlflow", "").strip().splitlines()[-1:] or ["nothing"]
        cause = f"it ends and starts again; its last words: {said[0][:200]}"
    raise Fail("a server that is not ready", "one that serves", cause)


def _made_by(item: Object) -> str:
    return next((owner["name"] for owner in item["metadata"].get("ownerReferences", [])), "")


def _name(item: Object) -> str:
    return str(item["metadata"]["name"])


exercises.quiz(
    "a",
    "A colleague commits the Secret's YAML to Git: \"it is encoded\". What do you say?",
    ("Fine: base64 can't be read without the cluster's key.", False, "Base64 has no key. You have just decoded it in two lines."),
    ("The password is known now: change it.", True, "Base64 is a spelling, and Git forgets nothing. A Secret is protected by who may read it, and by encryption in etcd if that is switched on."),
    ("Fine, if the repository is private.", False, "Everybody with a clone has it, for ever, and so has each CI job."),
)  # fmt: skip
exercises.quiz(
    "b",
    "The server's books are in an emptyDir, as `scratch` is. What ends them?",
    ("A crash of the container.", False, "The container is started again in the same pod, and an emptyDir lives as long as its pod."),
    ("Only deleting the Deployment.", False, "A patch of the template, a drain of the node or `kubectl delete pod` is enough: each ends the pod."),
    ("Every new pod: a patch, a drain, a delete.", True, "An emptyDir goes with its pod. So a harmless rollout lost the runs, and a crash would not have."),
    ("A restart of your notebook.", False, "The notebook is a client. It keeps nothing but the address."),
)  # fmt: skip
exercises.quiz(
    "c",
    "Many teams log now. Can you scale this Deployment to 3 replicas?",
    ("No: three servers would write to one SQLite file. First give them a database server.", True, "SQLite has one writer at a time, and its locks are not made for several machines. With PostgreSQL as store and an object store for artifacts, the servers keep nothing and can be many."),
    ("Yes, that is what replicas are for.", False, "They are for programs that keep nothing themselves. These three would share one file."),
    ("Yes, if each gets a volume of its own.", False, "Then a run is on one server of three, and the Service sends you to any of them."),
)  # fmt: skip
exercises.quiz(
    "d",
    "Here the copy is on a second claim. Where should it be in a company's cluster?",
    ("In the same storage: then a restore is quick.", False, "What takes the books (a disk, a wrong class, a deleted namespace) then takes the copy as well."),
    ("In another namespace of this cluster.", False, "Better against one wrong command, no help against a lost storage or cluster."),
    ("Where neither this storage nor its administrator's mistakes reach.", True, "An object store elsewhere, with versions that can't be deleted for some time. Here both claims are one disk: good for practice only."),
)  # fmt: skip
exercises.quiz(
    "e",
    "/health answered 200 while clients got 403, and again while the books were gone. What do you monitor?",
    ("Add a liveness probe on the API, so that it is restarted.", False, "A restart mends neither a wrong setting nor an empty disk; it only adds an outage. And probes have no password."),
    ("Load the champion as a client does, by the Service's name.", True, "That needs the name, the password, the list and the file. The Job `client` asked for a list only, and was content with a server that had lost everything."),
    ("Nothing more: /health is what the makers provide.", False, "It is for restarts: is the process there? Whether anybody is served is another question."),
)  # fmt: skip
