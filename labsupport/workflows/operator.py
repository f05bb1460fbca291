"""What every operator of the course shares: one namespace, one look at a time, children with an owner, events."""

import argparse
import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any, cast

import kopf
import kubernetes

from labsupport.workflows.owners import reference

Object = dict[str, Any]
# One look at a time: two looks at the same object would take the same step twice.
_alone = asyncio.Lock()
_later: set["asyncio.Task[None]"] = set()
# After a look that came to nothing, for instance because the API server was away. No event would cause another one.
AGAIN_SECONDS = 5.0
# The pod's name is taken, or the API server has too much to do.
_TAKEN, _BUSY = 409, 429


async def look(step: Callable[[str, str], float | None], namespace: str | None, name: str) -> None:
    """Call `step(namespace, name)` outside of the event loop, and again after as many seconds as it returns.

    A step that raises is told in the log, and called again after `AGAIN_SECONDS`.
    """
    seconds: float | None = AGAIN_SECONDS
    async with _alone:
        try:
            seconds = await asyncio.to_thread(step, namespace or "", name)
        except Exception:
            logging.exception("%s/%s: looking again in %g s", namespace, name, AGAIN_SECONDS)
    if seconds is not None:
        task = asyncio.create_task(_after(seconds, look(step, namespace, name)))
        _later.add(task)
        task.add_done_callback(_later.discard)


async def _after(seconds: float, what: Awaitable[None]) -> None:
    await asyncio.sleep(seconds)
    await what


def owned(child: Object, owner: Object) -> Object:
    """Return `child` with a reference to its owner: it is deleted with it, and everybody sees whose it is."""
    return {**child, "metadata": {**child["metadata"], "ownerReferences": [reference(owner)]}}


def read(group: str, version: str, plural: str, namespace: str, name: str) -> Object | None:
    """Ask the API server for a custom object; None when there is none."""
    try:
        found: Object = kubernetes.client.CustomObjectsApi().get_namespaced_custom_object(
            group, version, namespace, plural, name
        )
    except kubernetes.client.ApiException as error:
        if error.status == 404:
            return None
        raise
    return found


def create_pod(pod: Object, owner: Object) -> None:
    """Make a pod that belongs to `owner`. One of its name that is there already is the same one: we were killed meanwhile.

    A pod that the API server refuses gets a `status` with its words, as a pod that has failed, and its owner an event.
    """
    try:
        kubernetes.client.CoreV1Api().create_namespaced_pod(owner["metadata"]["namespace"], owned(pod, owner))
    except kubernetes.client.ApiException as error:
        if error.status == _TAKEN:
            return
        words = _words(error)
        # A quota has room again when other pods have ended.
        if not 400 <= error.status < 500 or error.status == _BUSY or "exceeded quota" in words:
            raise
        pod["status"] = {"phase": "Failed", "message": words}
        warn(owner, "FailedCreate", words)


def _words(error: kubernetes.client.ApiException) -> str:
    """Return what the API server says of a request that it refuses."""
    try:
        return str(json.loads(error.body)["message"])
    except (TypeError, ValueError, KeyError):
        return f"{error.status} {error.reason}"


def write_status(item: Object, plural: str, status: Object) -> None:
    """Give a custom object a new status, where it is another one. Its kind has no separate path for it (no subresource)."""
    if status == item.get("status"):
        return
    group, _, version = item["apiVersion"].partition("/")
    meta = item["metadata"]
    kubernetes.client.CustomObjectsApi().patch_namespaced_custom_object(
        group, version, meta["namespace"], plural, meta["name"], {"status": status}
    )


def warn(item: Object, reason: str, message: str) -> None:
    """Say in an event of a custom object what is wrong with it; `kubectl describe` shows it."""
    kopf.event(kopf.Body(cast(Any, item)), type="Warning", reason=reason, message=message)


def run(arguments: list[str] | None = None) -> None:
    """Run the handlers that are registered with kopf in one namespace (`--namespace`), until the pod ends.

    On http://ADDRESS:8080/healthz it says that it lives.
    """
    parser = argparse.ArgumentParser(description="Run an operator of the course.")
    parser.add_argument("--namespace", required=True)
    namespace = parser.parse_args(arguments).namespace
    kubernetes.config.load_config()

    @kopf.on.startup()
    def _settings(settings: kopf.OperatorSettings, **_: Any) -> None:
        # Without rights outside of its namespace it can't watch for new kinds; its own are there before it starts.
        settings.scanning.disabled = True
        # Its own log stays in its pod. Events are for what the owner of an object must know.
        settings.posting.loggers = False

    kopf.run(standalone=True, namespaces=[namespace], liveness_endpoint="http://0.0.0.0:8080/healthz")
