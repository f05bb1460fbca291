"""How a container is started, watched and ended as a process."""

import asyncio
import contextlib
import hashlib
import os
import signal
import time
from pathlib import Path

from labsupport.cluster.pocket.leftovers import POD_MARK
from labsupport.cluster.pocket.node import clock, hooks, launch, output, rewriting, tasks, variables, volumes
from labsupport.cluster.pocket.node.api import Json
from labsupport.cluster.pocket.node.images import Image
from labsupport.cluster.pocket.node.node import Node
from labsupport.cluster.pocket.node.pod import Container, Pod
from labsupport.files import remove_folder

# Each process of a container has this in its environment, so that those that left its session are found as well.
CONTAINER_MARK = "LABS_POCKET_CONTAINER"
# How long output may still come from children after a container's first process has ended.
_OUTPUT_LIMIT = 1.0
# Even a container whose preStop hook took all the time gets these seconds after SIGTERM.
_SHORTEST_GRACE = 2.0


class CannotStart(Exception):
    """A container could not be started: the kubelet's reason and the message."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


async def start(pod: Pod, container: Container, image: Image, node: Node) -> None:
    """Prepare a container's folder, mounts, environment and command, and start it. Raises CannotStart."""
    try:
        # What an earlier run wrote outside its volumes is gone, as in any container.
        await asyncio.to_thread(_renew, container.folder)
        await _configure(pod, container, image, node)
        log = _new_log(pod, container)
    except (variables.ConfigError, ValueError) as error:
        raise CannotStart("CreateContainerConfigError", str(error)) from error
    except OSError as error:
        raise CannotStart("CreateContainerError", str(error)) from error
    run = f"{pod.uid}/{container.name}/{container.restart_count}/{time.time_ns()}"
    container.identity = f"pocket://{hashlib.sha256(run.encode()).hexdigest()}"
    container.image_id = image.identity
    container.killed_because = ""
    node.events.of_container(pod, container, "Normal", "Created", "Container created")
    # Pipes of our own: Process.wait() of some Python versions waits for asyncio's pipes, which children may keep open.
    (stdout, stdout_end), (stderr, stderr_end) = os.pipe(), os.pipe()
    try:
        container.working_folder.mkdir(parents=True, exist_ok=True)
        container.process = await launch.launch(
            container.argv,
            container.environment,
            container.working_folder,
            stdout=stdout_end,
            stderr=stderr_end,
            first=True,
        )
    except (OSError, ValueError) as error:
        # ValueError: a zero byte, which the API server admits and no program can be given.
        os.close(stdout)
        os.close(stderr)
        raise CannotStart("RunContainerError", _start_error(container.argv[0], error)) from error
    finally:
        os.close(stdout_end)
        os.close(stderr_end)
    container.output = tasks.start(output.collect(stdout, stderr, log), f"the output of {pod.name}/{container.name}")
    container.session = container.process.pid
    container.state = {"running": {"startedAt": clock.now()}}
    node.events.of_container(pod, container, "Normal", "Started", "Container started")


async def _configure(pod: Pod, container: Container, image: Image, node: Node) -> None:
    """Decide a container's mounts, command, working folder and environment. Raises ConfigError and CannotStart."""
    container.mounts = volumes.mounts_of(pod, container)
    container.image = image
    known = await variables.build(pod, container, node)
    message = container.folder.with_suffix(".message")
    message.write_text("")
    container.mounts[_message_path(container)] = message
    container.argv, container.working_folder = _command(pod, container, image, known)
    image_variables = variables.of_image(pod, container)
    asked_for = {name: value for name, value in known.items() if image_variables.get(name) != value}
    container.environment = {
        **image_variables,
        **rewriting.in_values(asked_for, container.mounts, pod.loopback),
        **variables.of_this_node(pod, container, known, node),
        POD_MARK: str(node.layout.folder),
        CONTAINER_MARK: f"{pod.uid}/{container.name}",
    }


def log_of(pod: Pod, container: Container) -> Path:
    """Return the log of the container's present run."""
    return pod.folder / "logs" / container.name / f"{container.restart_count}.log"


def _new_log(pod: Pod, container: Container) -> output.Log:
    container.previous_log = container.log
    container.log = log_of(pod, container)
    container.log.parent.mkdir(parents=True, exist_ok=True)
    for old in container.log.parent.iterdir():
        if container.previous_log is None or not old.name.startswith(container.previous_log.name):
            old.unlink()
    return output.Log(container.log)


async def wait(pod: Pod, container: Container) -> int:
    """Wait until the container's first process ends, end what it left behind, and return its exit code."""
    process = container.process
    assert process is not None and container.output is not None
    code = await process.wait()
    # A container's other processes end with its first one.
    launch.terminate_session(process.pid)
    launch.end_marked(CONTAINER_MARK, f"{pod.uid}/{container.name}")
    await asyncio.wait({container.output}, timeout=_OUTPUT_LIMIT)
    await tasks.end(container.output)
    code = 128 - code if code < 0 else code
    reason = container.killed_because or ("Completed" if code == 0 else "Error")
    container.state = {"terminated": terminated(container, code, reason, _last_words(container, code))}
    container.process = container.session = None
    container.ready = container.started = False
    return code


async def stop(pod: Pod, container: Container, grace: float, node: Node, why: str = "", restart: bool = False) -> None:
    """End a running container: preStop hook, SIGTERM to its first process, and after `grace` seconds in all SIGKILL.

    With `restart` it comes back even where its exit code says that it is done.
    """
    process = container.process
    if process is None or process.returncode is not None:
        return
    container.comes_back = restart
    node.events.of_container(pod, container, "Normal", "Killing", why or f"Stopping container {container.name}")
    begun = time.monotonic()
    if grace > 0 and (hook := container.spec.get("lifecycle", {}).get("preStop")):
        try:
            async with asyncio.timeout(grace):
                await hooks.run(pod, container, hook)
        except (hooks.HookFailed, TimeoutError) as error:
            message = str(error) or f"grace period of {grace:.0f}s exceeded"
            node.events.of_container(pod, container, "Warning", "FailedPreStopHook", f"PreStopHook failed: {message}")
    # Without a handler it does not arrive, and the container uses up its grace, as any whose first process is a shell.
    launch.signal_first(process, signal.SIGTERM)
    left = max(grace - (time.monotonic() - begun), min(grace, _SHORTEST_GRACE))
    try:
        async with asyncio.timeout(left):
            await process.wait()
    except TimeoutError:
        launch.terminate_session(process.pid)


def kill(container: Container, because: str = "") -> None:
    """End a container at once, with every process of its session."""
    if container.running and container.session is not None:
        container.killed_because = because
        launch.terminate_session(container.session)


def kill_if_deaf(container: Container) -> None:
    """End a container at once that would only use up its grace: it has no preStop hook, and SIGTERM does not arrive."""
    process, hook = container.process, (container.spec.get("lifecycle") or {}).get("preStop")
    if process is not None and not hook and not launch.catches(process.pid, signal.SIGTERM):
        kill(container)


def terminated(container: Container, code: int, reason: str, message: str = "") -> Json:
    """Return the state of a container that has ended."""
    ended = clock.now()
    begun = container.state.get("running", {}).get("startedAt", ended)
    state = {"exitCode": code, "reason": reason, "startedAt": begun, "finishedAt": ended}
    if message:
        state["message"] = message
    return {**state, "containerID": container.identity} if container.identity else state


def _command(pod: Pod, container: Container, image: Image, known: dict[str, str]) -> tuple[list[str], Path]:
    """Return the arguments and the working folder, with variables expanded and paths rewritten."""
    spec = container.spec

    def real(words: list[str] | None) -> list[str]:
        """The manifest's words; those of the image name real programs of this machine already."""
        expanded = (variables.expand(word, known) for word in words or [])
        return [rewriting.with_twins(rewriting.rewrite(word, container.mounts, pod.loopback)) for word in expanded]

    if spec.get("command"):
        argv = [*real(spec["command"]), *real(spec.get("args"))]
    else:
        argv = [*image.entrypoint, *(real(spec.get("args")) or image.command)]
    if not argv:
        raise CannotStart("CreateContainerError", "no command specified")
    wanted = spec.get("workingDir")
    if not wanted:
        return argv, container.folder
    place = Path(rewriting.rewrite(wanted, container.mounts, pod.loopback))
    # A folder of an image that we don't have lies in the container's own folder.
    inside = place if place.exists() or place != Path(wanted) else container.folder / wanted.lstrip("/")
    return argv, inside


def _start_error(program: str, error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        where = "no such file or directory" if "/" in program else "executable file not found in $PATH"
    else:
        where = (getattr(error, "strerror", None) or str(error)).lower()
    return (
        "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
        f'unable to start container process: error during container init: exec: "{program}": {where}'
    )


def _last_words(container: Container, code: int) -> str:
    """Return the termination message: what the container wrote to it, or, where asked for, the end of its log."""
    file = container.mounts.get(_message_path(container))
    with contextlib.suppress(OSError):
        if file is not None and (words := file.read_text(errors="replace")[:4096]):
            return words
    fallback = container.spec.get("terminationMessagePolicy") == "FallbackToLogsOnError"
    return output.last_lines(container.log) if fallback and code and container.log else ""


def _message_path(container: Container) -> str:
    return str(container.spec.get("terminationMessagePath", "/dev/termination-log"))


def _renew(folder: Path) -> None:
    remove_folder(folder)
    folder.mkdir(parents=True)
