"""The commands `labs cluster ...`."""

import argparse
import contextlib
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from labsupport.cluster.interface import Cluster, Status


def add_parsers(commands: Any) -> None:
    """Add `labs cluster` and what it can do to the parser of `labs`."""
    text = "install, start, stop and look at the cluster of the labs"
    cluster = commands.add_parser("cluster", help=text, description=text)
    actions = cluster.add_subparsers(title="actions", metavar="ACTION", required=True)

    def action(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    added = action("install", _install, "get what the cluster runs (pocket: its programs; kind: its node image), once")
    added.add_argument("--check", action="store_true", help="only say what is there; fetch nothing")
    action("up", _up, "start the cluster and wait until it is ready; nothing happens when it runs")
    added = action("down", _down, "stop the cluster and delete what it stored")
    added.add_argument("--keep", action="store_true", help="keep objects, volumes and logs for the next start")
    added = action("load", _load, "kind: build the images of the labs and load those that changed")
    added.add_argument("images", nargs="*", metavar="IMAGE", help="default: all three")
    action("reset", _reset, "delete the cluster with all that is in it and start an empty one")
    action("status", _status, "what runs, and what this cluster can't do")
    added = action("logs", _logs, "the log of one program of the cluster")
    added.add_argument(
        "program", nargs="?", help="pocket: etcd, apiserver, agent ...; kind: kubelet, kube-apiserver ..."
    )
    added.add_argument("--lines", type=int, default=40, metavar="N", help="only the last N lines (default: 40)")
    added = action("env", _env, 'print what makes kubectl use this cluster: eval "$(labs cluster env)"')
    added.add_argument("lab", nargs="?", metavar="NNN", help="with the namespace of this lab as kubectl's default")

    text = "bring the cluster to where a lab begins: late joiners and failed tries can start there"
    added = commands.add_parser("checkpoint", help=text, description=text)
    added.add_argument("lab", metavar="NNN")
    added.set_defaults(run=_checkpoint)
    text = "delete what labs made on the cluster, and make sure that nothing is left"
    added = commands.add_parser("cleanup", help=text, description=text)
    added.add_argument("labs", nargs="*", metavar="NNN", help="default: every lab that has something there")
    added.set_defaults(run=_cleanup)
    text = "make the recorded snapshots of a lab anew from their recipe, for the tests of its checks"
    added = commands.add_parser("record", help=text, description=text)
    added.add_argument("lab", metavar="NNN")
    added.add_argument("names", nargs="*", metavar="NAME", help="only these, such as crash (default: all)")
    added.set_defaults(run=_record)


def _checkpoint(options: argparse.Namespace) -> int:
    from labsupport.cluster import lab

    lab.manifests_of(options.lab)
    cluster = _cluster()
    cluster.up()
    kept = lab.keep(cluster, options.lab)
    made = lab.checkpoint(cluster, options.lab)
    if kept:
        print(f"What was in {made.namespace} was taken away. A copy of its objects: {kept}")
    print(f"Lab {made.number} can begin: namespace {made.namespace} of the cluster {cluster.name}.")
    return 0


def _cleanup(options: argparse.Namespace) -> int:
    from labsupport.cluster import lab

    cluster = _cluster()
    for number in options.labs:
        lab.manifests_of(number)
    chosen = options.labs or lab.labs_of(cluster)
    for number in chosen:
        lab.cleanup(cluster, number)
        print(f"Nothing of lab {number} is left on the cluster.")
    if not chosen:
        print("No lab has anything on the cluster.")
    return 0


def _record(options: argparse.Namespace) -> int:
    from labsupport.cluster import look, recording

    recipe = recording.read(options.lab)
    with _cluster_for_recordings() as cluster:
        cluster.up()
        files = recording.record(cluster, recipe, look.folder(), options.names, _say)
    print(f"{len(files)} recordings of lab {options.lab} are in {look.folder()}.")
    return 0


def _say(line: str) -> None:
    print(line, flush=True)


@contextlib.contextmanager
def _cluster_for_recordings() -> "Iterator[Cluster]":
    """Yield a pocket cluster of its own, so that nobody's work on a lab is deleted; any other is shared."""
    from labsupport import scratch
    from labsupport.cluster.pocket.layout import Layout
    from labsupport.cluster.pocket.runtime import PocketCluster

    if (cluster := _cluster()).name != "pocket":
        yield cluster
        return
    with scratch.owned("labs-record-") as owned:
        own = PocketCluster(Layout(owned.folder / "pocket"))
        try:
            yield own
        finally:
            own.down()


def _install(options: argparse.Namespace) -> int:
    from labsupport.cluster import versions
    from labsupport.cluster.pocket import programs

    if _cluster().name == "kind":
        return _install_kind(options.check)
    if options.check:
        found = programs.find()
        etcd, kubernetes = (programs.version_of(found.folder, name) for name in ("etcd", "kube-apiserver"))
        print(f"Kubernetes {kubernetes} and etcd {etcd} are in {found.folder} ({found.source}).")
        return _check_observers()
    print(f"Kubernetes {versions.KUBERNETES} and etcd {versions.ETCD}:", flush=True)
    with _Bars() as bars:
        programs.install(lambda line: print(f"  {line}", flush=True), bars.show)
    _install_observers()
    print("Next: labs cluster up")
    return 0


def _check_observers() -> int:
    from labsupport.cluster.pocket import observers

    lacking = [name for name in observers.PROGRAMS if observers.which(name) is None]
    words = f"{', '.join(lacking)}: not there, labs 609 and 615 need them. Get them: labs cluster install"
    print(words if lacking else "Prometheus is there.")
    return 1 if lacking else 0


def _install_observers() -> None:
    from labsupport.cluster import versions
    from labsupport.cluster.pocket import observers

    print(f"Prometheus {versions.PROMETHEUS} and Alertmanager {versions.ALERTMANAGER}, or Debian's:", flush=True)
    with _Bars() as bars:
        if not observers.install(lambda line: print(f"  {line}", flush=True), bars.show):
            print("  Without them, only the labs that watch (609, 615) can't run.")


def _install_kind(only_check: bool) -> int:
    import os

    from labsupport.cluster import versions
    from labsupport.cluster.kind import command, engine, runtime

    found = engine.find()
    print(f"{found.name} answers, and kind {command.version()} is {command.find()}.", flush=True)
    image = os.environ.get(runtime.NODE_IMAGE_VARIABLE) or versions.NODE_IMAGE
    name = image.partition("@")[0]
    is_there = found.run("image", "inspect", image, check=False).returncode == 0
    if only_check:
        lack = "is there." if is_there else "is not there yet. Get it: labs cluster install"
        print(f"The node image {name} {lack}")
        return max(_check_observers(), 0 if is_there else 1)
    print(f"The node image {name} is there." if is_there else f"{found.name} pulls {name} ...", flush=True)
    if not is_there:
        found.run("pull", image, timeout=1800)
    # Their tools run on this machine, not in the cluster.
    _install_observers()
    print("Next: labs cluster up")
    return 0


def _load(options: argparse.Namespace) -> int:
    cluster = _cluster()
    if cluster.name != "kind":
        print(f"Nothing to load: images are only names on the cluster {cluster.name}. For kind: LABS_CLUSTER=kind")
        return 0
    from labsupport.cluster.kind import engine, images

    chosen = [images.named(target) for target in options.images or images.TARGETS]
    found = engine.find()
    started = time.monotonic()
    for image in chosen:
        images.build_and_load(
            found, "labs", image, lambda step: print(f"  {time.monotonic() - started:4.1f} s  {step}", flush=True)
        )
    return 0


def _up(options: argparse.Namespace) -> int:
    cluster = _cluster()
    started = time.monotonic()
    print(f"Starting the cluster: {cluster.name}", flush=True)
    cluster.up(lambda step: print(f"  {time.monotonic() - started:4.1f} s  {step}", flush=True))
    print(f"  {time.monotonic() - started:4.1f} s  ready")
    if cluster.name == "kind":
        print("The images of the labs, once and after changes: labs cluster load")
    print('Use it: eval "$(labs cluster env)"; kubectl get nodes')
    return 0


def _down(options: argparse.Namespace) -> int:
    from labsupport.cluster.kind.runtime import KindCluster

    cluster = _cluster()
    if cluster.down(keep=options.keep):
        print(f"The cluster {cluster.name} is stopped; what it stored is {'kept' if options.keep else 'deleted'}.")
    else:
        print(f"There was no cluster {cluster.name}, so nothing is stopped.")
    # One that does not answer is not what `auto` means.
    if cluster.name != "kind" and KindCluster().exists():
        print("There is a kind cluster, too. To delete it: LABS_CLUSTER=kind labs cluster down")
    return 0


def _reset(options: argparse.Namespace) -> int:
    _cluster().down()
    return _up(options)


def _status(options: argparse.Namespace) -> int:
    cluster = _cluster()
    status = cluster.status()
    print(_status_text(cluster, status))
    return 0 if status.ready else 1


def _status_text(cluster: "Cluster", status: "Status") -> str:
    lines = [f"{cluster.name}: {status.sentence}"]
    lines += [f"  {name:<19} {text}" for name, text in status.programs.items()]
    if status.limits:
        lines += ["What it can't do:", *(f"  - {limit}" for limit in status.limits)]
    return "\n".join(lines)


def _logs(options: argparse.Namespace) -> int:
    files = _cluster().logs(options.program)
    for file in files:
        if options.program is None:
            print(f"== {file.stem}")
        lines = file.read_text(errors="replace").splitlines()
        print("\n".join(lines[-options.lines :] if options.lines > 0 else lines))
    return 0


def _env(options: argparse.Namespace) -> int:
    from labsupport.cluster import lab, terminal

    print(terminal.script(_cluster(), lab.namespace_of(options.lab) if options.lab else ""))
    return 0


def _cluster() -> "Cluster":
    from labsupport.cluster.choose import get_cluster

    return get_cluster()


class _Bars:
    """A progress bar for each thing that is being done; plain lines where the output is no terminal."""

    def __init__(self) -> None:
        self.progress: Any = None
        self.tasks: dict[str, Any] = {}

    def __enter__(self) -> "_Bars":
        if sys.stdout.isatty():
            from rich.progress import Progress

            self.progress = Progress(transient=True)
            self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.progress is not None:
            self.progress.stop()

    def show(self, what: str, done: int, total: int) -> None:
        if self.progress is None:
            if what not in self.tasks:
                self.tasks[what] = None
                print(f"  {what} ...", flush=True)
            return
        if what not in self.tasks:
            self.tasks[what] = self.progress.add_task(what, total=None)
        self.progress.update(self.tasks[what], completed=done, total=total or None)
