"""One lab on the cluster: its namespace, its manifests, its checkpoint, and the end of all that it made."""

import copy
import json
import re
import shlex
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

import yaml

from labsupport import files, paths
from labsupport.cluster import show, terminal, waiting
from labsupport.cluster.choose import get_cluster
from labsupport.cluster.interface import Cluster
from labsupport.cluster.snapshot import Snapshot, take
from labsupport.cluster.tidy import tidy
from labsupport.errors import LabsError

PART_OF = "app.kubernetes.io/part-of=labs"
GONE_SECONDS = 90
# Definitions of kinds that a lab takes from another one's manifests.
BORROWED = {"615": "611/gateway-api.yaml"}
# What a learner makes and repairs; no Secrets.
_KEPT = (
    "deployments,statefulsets,daemonsets,jobs,cronjobs,pods,services,configmaps,persistentvolumeclaims,"
    "horizontalpodautoscalers,poddisruptionbudgets"
)
# The marks that the cluster adds to a Job and its template, and to a claim.
_OF_JOBS = re.compile(r"batch\.kubernetes\.io/|controller-uid$|job-name$")
_OF_CLAIMS = re.compile(r"(pv|volume|volume\.beta)\.kubernetes\.io/")
# The lab that this kernel works on: `check` looks at its cluster.
_current: "list[Lab]" = []


class Lab:
    """A lab's place on a cluster; `start` makes one."""

    def __init__(self, number: str, cluster: Cluster) -> None:
        self.number = number
        self.cluster = cluster
        self.namespace = namespace_of(number)
        self.manifests = manifests_of(number)

    @cached_property
    def kinds(self) -> list[str]:
        """The kinds of operators that the lab's manifests define, by kubectl's names (workflows.argoproj.io)."""
        return _kinds_of(self.number)

    def kubectl(self, line: str) -> None:
        """Run a kubectl command in the lab's namespace and print what it says, without generated names, ages, addresses."""
        print(tidy(self.ask(line)))

    def ask(self, line: str) -> str:
        """Run a kubectl command in the lab's namespace and return what it says, refusals too."""
        try:
            words = shlex.split(line)
        except ValueError as error:
            return f"This is no command ({error}): a quotation mark that opens must close."
        words = words[1:] if words[:1] == ["kubectl"] else words
        # A command with a limit of its own says by itself that it has passed.
        limit = _own_limit(words)
        result = self.cluster.kubectl("-n", self.namespace, *words, timeout=max(60, limit + 10), check=False)
        return (result.output + result.errors).rstrip()

    def apply(self, what: "str | Path | dict[str, Any] | list[dict[str, Any]]") -> None:
        """Apply a file of the lab's manifests, or objects, and print what the API server says, refusals too."""
        text = show.text_of(self.manifests / what) if isinstance(what, (str, Path)) else _dump(what)
        result = self.cluster.kubectl("-n", self.namespace, "apply", "-f", "-", stdin=text, check=False)
        print(_short(result.output + result.errors))

    def replace(self, what: dict[str, Any]) -> None:
        """Put an object of the lab back to what `what` says, with all that patches added taken away.

        `what`: from a manifest, or as a snapshot has it, of whatever version.
        """
        kept = {key: value for key, value in what["metadata"].items() if key not in ("resourceVersion", "uid")}
        text = _dump(what | {"metadata": kept})
        result = self.cluster.kubectl("-n", self.namespace, "replace", "-f", "-", stdin=text, check=False)
        if not result.ok:
            print(_short(result.output + result.errors))

    def patch(self, target: str, change: Any, begin: dict[str, Any] | None = None) -> None:
        """Merge a change (a dictionary) into an object (KIND/NAME); the untouched stub changes nothing.

        `begin`: what the object is put back to before that, so that nothing of a failed try stays. Without a change it
        stays as it is: a repair made in a terminal is not undone.
        """
        if change is ...:
            print(f"No change for {target} yet.")
            return
        if wrong := no_change(change):
            print(wrong)
            return
        if begin is not None:
            self.replace(begin)
        # Kubernetes knows the keys of its own kinds' lists; those of other kinds are replaced as a whole.
        kind = "merge" if target.partition("/")[0] in self.kinds else "strategic"
        words = ("patch", target, f"--type={kind}", "-p", json.dumps(change))
        result = self.cluster.kubectl("-n", self.namespace, *words, check=False)
        print(_short(result.output + result.errors))

    def go_on(self, key: str, target: str, begin: dict[str, Any] | None = None) -> None:
        """Go on with the cluster as it is if the check passes, else patch the object with the reference answer; says which.

        `begin`: what the object is put back to before it is patched, so that nothing of a failed try stays.
        """
        self.go_on_by(key, lambda answer: self.patch(target, answer, begin), f"your repair of {target}")

    def go_on_by(self, key: str, do: Callable[[Any], Any], mine: str = "what you made on the cluster") -> None:
        """Go on with the cluster as it is (`mine`) if the check passes, else call `do` with the reference answer; says which."""
        from labsupport.exercises import answers
        from labsupport.exercises.engine import evaluate
        from labsupport.exercises.outcomes import Kind

        if evaluate(key).kind is Kind.PASS:
            print(f"Going on with {mine}.")
            return
        print(f"Going on with the reference answer to {key}, because the cluster does not pass yet.")
        do(answers.reference(key))

    def wait(self, target: str, condition: str = "rolled-out", seconds: float = 60) -> None:
        """Wait until an object meets a condition; what fails says why (see labsupport.cluster.waiting)."""
        waiting.wait_for(self.cluster, target, condition, self.namespace, seconds)

    def until(self, look: Any, what: str, seconds: float = 60) -> Any:
        """Call `look(snapshot)` on fresh snapshots, without logs, until it returns something true, and return that."""
        return waiting.until(
            lambda: look(take(self.cluster, self.namespace, logs=False, kinds=self.kinds)), what, seconds, 0.7
        )

    def show(self, file: str, part: str = "", kind: str = "") -> None:
        """Print a manifest of the lab, or a part of it below a line that says which, from the file itself."""
        show.show_yaml(self.manifests / file, part, kind)

    def objects(self, file: str) -> list[dict[str, Any]]:
        """Return the objects of a manifest of the lab."""
        return show.documents(self.manifests / file)

    def fetch(self, service: str, port: int, path: str = "/", seconds: float = 10) -> str:
        """Return what a Service of the lab answers to a GET; asks again for some seconds until it does."""
        opener = build_opener(ProxyHandler({}))
        said: list[Exception] = []

        def ask() -> str:
            # Reached anew each time: a port-forward belongs to one pod, and there is none before a pod runs.
            try:
                with self.cluster.reach(service, port, self.namespace) as url:
                    return str(opener.open(url + path, timeout=10).read().decode())
            except (OSError, LabsError) as error:
                said[:] = [error]
                return ""

        return waiting.until(ask, f"the Service {service} answers", seconds, explain=lambda: str(said or ""))

    def snapshot(self) -> Snapshot:
        """Look at the lab's namespace, at objects of its own kinds, too."""
        return take(self.cluster, self.namespace, kinds=self.kinds)

    def clean(self) -> None:
        """Delete all that the lab made, and make sure that nothing is left."""
        print(f"Deleting what lab {self.number} made ...", flush=True)
        cleanup(self.cluster, self.number)
        print(f"Nothing of lab {self.number} is left on the cluster.")


def start(number: str, cluster: str = "auto") -> Lab:
    """Start the cluster where that is needed, bring the lab to its checkpoint, and say which cluster it is."""
    chosen = get_cluster(cluster)
    chosen.up()
    kept = keep(chosen, number)
    lab = checkpoint(chosen, number)
    _current[:] = [lab]
    if kept:
        print(f"What was in {lab.namespace} was taken away. A copy of its objects: {kept}")
    print(f"Lab {number} works in the namespace {lab.namespace} of the cluster {chosen.name}.")
    for limit in chosen.status().limits:
        print(f"  not here: {limit}")
    print(f"In a terminal, for kubectl in this namespace: {terminal.line_for(number, cluster)}")
    return lab


def attach(number: str, cluster: str = "auto") -> Lab:
    """Return a lab that another process has begun, as it is now, and look at it from here; raises LabsError when it is not there."""
    chosen = get_cluster(cluster)
    lab = Lab(number, chosen)
    there = chosen.kubectl("get", "namespace", lab.namespace, "--ignore-not-found", "-o", "name", check=False)
    if not there.output.strip():
        raise LabsError(f"Lab {number} is not on the cluster {chosen.name}: begin it first.")
    _current[:] = [lab]
    return lab


def keep(cluster: Cluster, number: str) -> Path | None:
    """Write what a learner made in a lab's namespace to a new file that `kubectl apply` takes; returns it, or None without any.

    Raises LabsError when the cluster does not say what is there.
    """
    namespace = namespace_of(number)
    items = cluster.get(_KEPT, "-n", namespace)["items"]
    for kind in Lab(number, cluster).kinds:
        # Not defined on this cluster yet, perhaps.
        found = cluster.kubectl("get", kind, "-n", namespace, "-o", "json", check=False)
        items += json.loads(found.output)["items"] if found.ok else []
    # What has an owner is made anew by it.
    made = [_as_applied(item) for item in items if not item["metadata"].get("ownerReferences")]
    made = [item for item in made if item["metadata"]["name"] != "kube-root-ca.crt"]
    if not made:
        return None
    path = files.free_name(paths.data_home() / "kept" / f"{namespace}.{files.stamp()}.yaml")
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_private(path, _dump(made).encode())
    return path


def _as_applied(item: dict[str, Any]) -> dict[str, Any]:
    """Return an object without what the cluster added to it, and would refuse or take for another one's when it is made anew."""
    made = copy.deepcopy({key: value for key, value in item.items() if key != "status"})
    given = ("name", "namespace", "labels", "annotations")
    made["metadata"] = {key: value for key, value in made["metadata"].items() if key in given}
    kind, spec = made["kind"], made.get("spec", {})
    if kind == "Job":
        spec.pop("selector", None)
        for meta in (made["metadata"], spec["template"]["metadata"]):
            _drop(meta.get("labels", {}), _OF_JOBS)
    elif kind == "PersistentVolumeClaim":
        spec.pop("volumeName", None)
        _drop(made["metadata"].get("annotations", {}), _OF_CLAIMS)
    elif kind == "Service" and spec.get("clusterIP") != "None":
        spec.pop("clusterIP", None)
        spec.pop("clusterIPs", None)
    return made


def _drop(marks: dict[str, str], added: re.Pattern[str]) -> None:
    for key in [key for key in marks if added.match(key)]:
        del marks[key]


def no_change(change: Any) -> str:
    """Say why something can't be merged into an object, or return ""."""
    if not isinstance(change, dict):
        return f"A change is a dictionary such as {{'spec': ...}}; it was a {type(change).__name__}."
    try:
        json.dumps(change)
    except (TypeError, ValueError) as error:
        return f"A change holds dictionaries, lists, texts, numbers, True, False and None ({error}): replace what else is in it."
    return ""


def _own_limit(words: list[str]) -> int:
    """Return the seconds that a command gives itself (`--timeout=5m`, `--timeout 120s`), or 0."""
    found = re.search(r"(?:^| )--timeout[= ]((?:\d+[smh]?)+)(?: |$)", " ".join(words))
    parts = re.findall(r"(\d+)([smh]?)", found[1]) if found else []
    return sum(int(number) * {"m": 60, "h": 3600}.get(unit, 1) for number, unit in parts)


def current(key: str) -> Lab:
    """Return the lab that this kernel works on; raises LabsError when none was started."""
    if not _current or _current[0].number != key[:3]:
        raise LabsError(f"{key} looks at the cluster: run the cell with `lab.start({key[:3]!r})` first.")
    return _current[0]


def checkpoint(cluster: Cluster, number: str) -> Lab:
    """Bring the cluster to where a lab begins: nothing of an earlier try, the lab's namespace, what the lab builds on."""
    lab = Lab(number, cluster)
    cleanup(cluster, number)
    cluster.kubectl("apply", "-f", str(lab.manifests / "namespace.yaml"))
    waiting.wait_for(cluster, "serviceaccount/default", "created", lab.namespace, 30)
    before = lab.manifests / "checkpoint.yaml"
    if before.exists():
        cluster.kubectl("-n", lab.namespace, "apply", "-f", str(before))
    return lab


def cleanup(cluster: Cluster, number: str) -> None:
    """Delete a lab's namespace and its objects outside of it; raises LabsError when something stays."""
    namespace = f"lab-{number}"
    cluster.kubectl("delete", "namespace", namespace, "--ignore-not-found", "--wait=false")
    # Its controller begins 5 s later. What takes long is gone by then, or it would wait for that once more: pods (a first process
    # without a handler for SIGTERM uses up its grace) and the claims that they hold.
    last = ("--all", "-n", namespace, "--timeout=30s")
    cluster.kubectl("delete", "pods", "--grace-period=1", *last, check=False)
    cluster.kubectl("delete", "persistentvolumeclaims", *last, check=False)
    label = f"{PART_OF},labs/lab={number}"
    cluster.kubectl(
        "delete",
        "clusterrole,clusterrolebinding,persistentvolume,validatingadmissionpolicy,validatingadmissionpolicybinding",
        "-l",
        label,
        "--ignore-not-found",
    )
    # Two labs may bring the same kind; it goes, with all objects of it, when no other one needs it any more. Whose label it
    # carries says only who brought it last.
    needed = {kind for other in labs_of(cluster) if other != number for kind in _kinds_of(other)}
    listed = cluster.get("customresourcedefinitions", "-l", PART_OF)["items"]
    brought = [item["metadata"]["name"] for item in listed if item["metadata"]["labels"].get("labs/lab") == number]
    shared = [item["metadata"]["name"] for item in listed if "labs/lab" in item["metadata"]["labels"]]
    shared = [name for name in shared if name in _kinds_of(number)]
    if unneeded := sorted({*brought, *shared} - needed):
        cluster.kubectl("delete", "customresourcedefinitions", *unneeded, "--ignore-not-found")
    found = cluster.kubectl("get", "namespace", namespace, "--ignore-not-found", "-o", "name").output.strip()
    if found:
        waiting.wait_for(cluster, f"namespace/{namespace}", "deleted", "default", GONE_SECONDS)


def labs_of(cluster: Cluster) -> list[str]:
    """Return the numbers of the labs that have a namespace on the cluster."""
    items = cluster.get("namespaces", "-l", PART_OF)["items"]
    names = [item["metadata"]["name"] for item in items]
    return sorted(name.removeprefix("lab-") for name in names if name.startswith("lab-"))


def namespace_of(number: str) -> str:
    """Return the namespace of a lab; raises LabsError when there is no such lab."""
    manifests_of(number)
    return f"lab-{number}"


def manifests_of(number: str) -> Path:
    """Return the folder of a lab's manifests; raises LabsError when there is no such lab."""
    folder = paths.course_root() / "manifests" / number
    if not (folder / "namespace.yaml").exists():
        known = sorted(path.parent.name for path in folder.parent.glob("*/namespace.yaml"))
        raise LabsError(f"There is no lab {number!r}: expected one of {', '.join(known)}.")
    return folder


def _kinds_of(number: str) -> list[str]:
    """Return the names of the kinds that a lab's manifests define; none for a namespace that is no lab's."""
    folder = paths.course_root() / "manifests" / number
    sources = [*sorted(folder.glob("*.yaml")), *([folder.parent / BORROWED[number]] if number in BORROWED else [])]
    items = [item for file in sources for item in show.documents(file)]
    return [item["metadata"]["name"] for item in items if item["kind"] == "CustomResourceDefinition"]


def _dump(what: dict[str, Any] | list[dict[str, Any]]) -> str:
    return yaml.safe_dump_all(what if isinstance(what, list) else [what], sort_keys=False)


def _short(text: str) -> str:
    """The API server's words without the manifest that kubectl repeats."""
    lines = [line for line in text.splitlines() if not line.startswith(("Resource:", "Name:", "for:"))]
    return tidy("\n".join(lines)).strip()
