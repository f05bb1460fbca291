"""Lesson 602, an MLflow server on the cluster: checks on a Secret and a back-up, and on snapshots of the cluster."""

import contextlib
import fnmatch
import posixpath
import sqlite3
import tempfile
from base64 import b64encode
from pathlib import Path
from typing import Any

import numpy as np

from labsupport.cluster import look, rollout
from labsupport.cluster.rollout import Stage
from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail, FinalFail, NotAttempted
from labsupport.exercises.refute import Measured, OutsideRules, whole_number
from labsupport.lessons.cases import copies_602

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
    # As code: Markdown would take the stars of a pattern for its own.
    shown = f"allowed hosts: `{said}`" if said else "allowed hosts: none set"
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
        raise FinalFail("allowed hosts: `*`", "the Service's names", cause)
    if through := [host for host in STRANGERS if allowed(host)]:
        cause = f"this also lets {through[0]} in: end the pattern's name where the Service's name ends"
        raise FinalFail(shown, "the Service's names, and no others", cause)
    for host in NAMES:
        if allowed(host):
            continue
        cause = f"clients that ask for {host} are still refused"
        if allowed(host.partition(":")[0]):
            cause = f"the name without a port: clients send {host}, so let the pattern end with `:*` or `:5000`"
        raise FinalFail(shown, f"a pattern for {host}", cause)
    if not all(allowed(host) for host in ADDRESSES):
        cause = "your notebook comes by an address, and you have just locked it out: keep `127.*`"
        raise FinalFail(shown, "a pattern for 127.…, too", cause)
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
        raise FinalFail("no MLFLOW_BACKEND_STORE_URI", "where the runs are kept", cause)
    if not claims:
        kinds = [next(iter(set(volume) - {"name"})) for volume in pod.get("volumes") or []]
        cause = "an emptyDir or the container's own folder goes with the pod; a claim stays: persistentVolumeClaim"
        raise FinalFail(f"volumes of the kinds {', '.join(kinds)}", "a volume from the claim `books`", cause)
    if "books" not in claims.values():
        other = f"the claim {', '.join(claims.values())}"
        cause = "the other claim is for the back-up: a copy beside its original is none"
        if unknown := sorted(set(claims.values()) - {_name(item) for item in snapshot.all("PersistentVolumeClaim")}):
            cause = f"there is no claim `{unknown[0]}`: a pod waits for it, Pending"
        raise FinalFail(other, "the claim `books`", cause)
    if "books" not in mounts.values():
        cause = "a volume that no container mounts is of no use: volumeMounts, by the volume's name"
        if file_here.exists():
            cause += f". And a pod of the pocket cluster sees your machine's folders: it has made {file_here.parent}. Delete it"
        raise FinalFail("a volume, and no mount of it", "a mount of `books`", cause)
    place = next(path for path, claim in mounts.items() if claim == "books")
    if not store.startswith("sqlite:///"):
        raise FinalFail(
            f"store {store}", f"sqlite:///{place}/mlflow.db", "the store is an address: `sqlite:///` and the path"
        )
    file = store.removeprefix("sqlite:///")
    if not file.startswith("/"):
        cause = "three slashes and a relative path: it lies beside the program, in the pod. One slash more"
        raise FinalFail(f"store {store}", f"sqlite:///{place}/mlflow.db", cause)
    if not file.startswith(f"{place}/"):
        cause = f"the volume is mounted at {place}, and this path is elsewhere"
        raise FinalFail(f"store {store}", f"a file below {place}", cause)
    folder = posixpath.normpath((models or "").removeprefix("file://"))
    if not folder.startswith(f"{place}/"):
        cause = "the runs would stay and their models would go: MLFLOW_ARTIFACTS_DESTINATION, below the same mount"
        if folder == place:
            cause = "on the volume, and among the database's files: give the models a folder of their own there"
        raise FinalFail(f"artifacts {models or 'where the server likes'}", f"a folder below {place}", cause)
    _serves(snapshot)
    return f"Runs and models are below {place}, on the claim `books`, which no pod takes along."


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
            # Of a file that lives for a moment nothing needs to reach the disk.
            writer.execute("pragma synchronous = off")
            writer.execute("pragma wal_autocheckpoint = 0")
            writer.execute("create table runs (name text)")
            for night in (1, 2):
                writer.executemany("insert into runs values (?)", [(f"run {night}",)] * copies_602.ROWS)
                # Not in the first night: who copies into the live database by mistake would wait for the writer for ever.
                if night == 2:
                    writer.execute("begin")
                    writer.execute("insert into runs values ('unfinished')")
                copy(str(database), str(target))
                copies_602.compare(database, target, night * copies_602.ROWS, night)
    return "Two nights, two complete copies, and the writer did not have to stop."


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
        raise FinalFail("no server, and no Job of `restore`", "a restore", cause)
    volumes = snapshot.get("Deployment", "mlflow")["spec"]["template"]["spec"].get("volumes") or []
    if "books" not in [volume.get("persistentVolumeClaim", {}).get("claimName") for volume in volumes]:
        cause = 'this server has no books: run the cell after `check("602.3", ...)` again, it mounts them'
        raise FinalFail("a Deployment without the claim `books`", "the server of 602.3", cause)
    ends = {name: end for job in jobs if (end := job.get("status", {}).get("completionTime")) for name in [_name(job)]}
    if not ends:
        failed = [_name(job) for job in jobs if job.get("status", {}).get("failed")]
        if not failed:
            raise Fail("a restore that is not complete", "a complete one", "wait for the Job, then check again")
        said = next((text for name, text in snapshot.logs.items() if name.startswith(f"{failed[0]}-")), "").strip()
        last = said.rpartition("\n")[2] or "none"
        raise FinalFail("a restore that failed", "a complete one", f"its last words: {last}")
    if not wanted:
        cause = "the books are back, and nobody serves them: scale the Deployment to 1"
        raise FinalFail("0 replicas", "1 replica", cause)
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
    rolled = rollout.of(snapshot, "mlflow")
    if rolled and rolled.complete and rolled.wanted:
        return
    cause = "it takes its time to start: wait for the rollout, then check again"
    if rolled and rolled.stage is Stage.CRASH:
        cause = f"it ends and starts again; its last words: {rolled.words[:200] or 'nothing'}"
    raise Fail("a server that is not ready", "one that serves", cause)


def _made_by(item: Object) -> str:
    return next((owner["name"] for owner in item["metadata"].get("ownerReferences", [])), "")


def _name(item: Object) -> str:
    return str(item["metadata"]["name"])


RUNS = 10


@exercises.refute(
    "6",
    "What the guard of the back-up lets pass has lost none of last night's runs",
    case=f"a pair of whole numbers: how many of last night's {RUNS} runs get lost, and how many new ones are logged (0 to 50)",
    hints=(
        "What does the guard compare: runs, or numbers of runs?",
        "The copy must know no fewer than the last one. What else happens on a day on which runs get lost?",
        "Let as many be logged as get lost.",
    ),
    minutes=5,
)
def what_passes_has_lost_nothing(case: Any) -> Measured:
    """Make two nights' copies by the real back-up; it fails when the second replaced the first and lacks a run of it."""
    from labsupport.tracking import backup

    if not isinstance(case, list | tuple | np.ndarray) or len(case) != 2:
        raise OutsideRules("a case is a pair of numbers such as (4, 0)")
    gone, new = whole_number(case[0], 0, RUNS, "lost runs"), whole_number(case[1], 0, 50, "new runs")
    with tempfile.TemporaryDirectory(prefix="labs-books-") as name:
        books, copies = Path(name) / "books", Path(name) / "copies"
        books.mkdir()
        with contextlib.closing(sqlite3.connect(books / backup.DATABASE, isolation_level=None)) as database:
            database.execute("create table runs (name text)")
            database.execute("create table model_versions (version text)")
            database.executemany("insert into runs values (?)", [(f"old {number}",) for number in range(RUNS)])
            backup.save(books, copies)
            database.execute("delete from runs where rowid <= ?", (gone,))
            database.executemany("insert into runs values (?)", [(f"new {number}",) for number in range(new)])
        day = f"{gone} of {RUNS} runs got lost, {new} new ones were logged"
        try:
            backup.save(books, copies)
        except backup.BackupError:
            return Measured(True, f"{day}: the guard refuses the copy, and last night's is kept")
        with contextlib.closing(sqlite3.connect(copies / "latest" / backup.DATABASE)) as copy:
            query = "select count(*), sum(name like 'old %') from runs"
            total, old = copy.execute(query).fetchone()
    said = f"{day}: the copy of {total} runs passes and replaces last night's; of its {RUNS} runs it holds {old or 0}"
    return Measured(old == RUNS, said)


exercises.guess("g1", "Share of the time until the server is ready that passes after its container runs", unit="%")
exercises.guess("g2", "The pod is ready, so a client with the right password gets its answer by the Service's name")
exercises.guess("g3", "The server still knows the run that you logged before the patch")
exercises.guess("g4", "Runs that the server says it knows, with its database file removed", unit="")
exercises.quiz(
    "a",
    "Somebody pasted `kubectl get secret mlflow -o yaml` into a ticket, noticed it, and deleted the comment after ten minutes. What is to be done?",
    ("Nothing: the value was encoded, and the comment is gone.", False, "Base64 has no key, and ten minutes are enough for mails, indexes and a browser's cache."),
    ("Change the password, and look at who came with the old one since.", True, "What was readable is known. A Secret is protected by who may read it, and by encryption in etcd if that is switched on; never by its spelling."),
    ("Change the key by which etcd encrypts, so that the pasted value becomes useless.", False, "That key protects the disk. What the API hands out, and what was pasted, is not encrypted at all."),
    ("Mount the Secret as a file instead of a variable.", False, "Good manners, and no help: the ticket holds the value itself."),
)  # fmt: skip
exercises.quiz(
    "b",
    "A small queue keeps its messages in an emptyDir. Which event empties it?",
    ("The container is killed for its memory, and started again.", False, "It is started again in the same pod, and an emptyDir lives as long as its pod."),
    ("The liveness probe fails three times.", False, "Then the kubelet starts the container again: the same pod, the same folder."),
    ("The node is drained for an upgrade.", True, "The pod is evicted, its successor is another pod, with an empty folder. A harmless day for a web server, and the end of this queue."),
    ("The Service is deleted, and made anew.", False, "Nobody finds the queue for a while. Its pod does not even notice."),
)  # fmt: skip
exercises.quiz(
    "c",
    "\"No more outages when nodes are upgraded: give this MLflow server two replicas and a RollingUpdate.\" What do you answer?",
    ("Gladly: it is one line, and a PodDisruptionBudget keeps one of them.", False, "Two servers would then write to one SQLite file, on a claim that one node may mount."),
    ("Yes, with a claim of its own for each.", False, "Then each run is on one of the two servers, and the Service sends you to either."),
    ("One replica, but with RollingUpdate, so that the new one is ready before the old one goes.", False, "For that while they are two, on one file. `Recreate` is there for a reason."),
    ("First the books move out: PostgreSQL for runs, an object store for models.", True, "A server that keeps nothing itself can be many. Until then an upgrade costs one start. What is replicated is the database, by people and programs that know how."),
)  # fmt: skip
exercises.quiz(
    "d",
    "The copy is made at 02:17, a restore takes half an hour. The data scientists say: \"We can't lose more than an hour of work.\" What do you change?",
    ("A copy each hour, or a database that ships its log all the time.", True, "The age of the last good copy is what gets lost: the recovery *point*. Everything else on this list is about other numbers."),
    ("Faster disks for the restore, and the artifacts in parallel.", False, "That shortens how long they wait. What was logged since 02:17 is gone all the same."),
    ("A second copy of the nightly back-up, in another region of the cloud.", False, "It helps when both disks here are gone. It is just as old."),
    ("A rehearsal of the restore each month.", False, "Do that, too: it makes the half hour a fact. It does not make the copy younger."),
)  # fmt: skip
exercises.quiz(
    "e",
    "You may add one check to this server that runs each minute and pages you. Which one?",
    ("`/health`, asked from three networks.", False, "It said 200 while clients got 403, and again without any books. Asking more often does not make it ask more."),
    ("A liveness probe on the list of experiments, so that the server is restarted when it fails.", False, "A restart mends neither a wrong setting nor an empty disk, and here it would have replaced an open database by an empty one."),
    ("By the Service's name: load the champion, and let it judge a known deploy.", True, "It needs the name, the password, the list, the file, and the right file. Few other ways to be broken are left."),
    ("The list of experiments, by the Service's name and with the password.", False, "Much better than `/health`, and the Job `client` did it: content with a server that had lost everything."),
)  # fmt: skip
