"""Make a lab's recorded snapshots anew from their recipe: what to do, and what the namespace must hold when it is recorded.

A recipe is a YAML file: `begin`, the steps after the lab's checkpoint; `each`, the steps before every recording, which
undo what an earlier one did; and `recordings`, by name `do` (steps) and `when` (what to wait for). A step is one of

- `apply: FILE` of the lab's manifests, or an object or a list of objects;
- `patch: {KIND/NAME: CHANGE}`, a change as `kubectl patch` merges it, or a list of operations as in a JSON patch;
- `kubectl: "COMMAND"` in the lab's namespace; a refusal ends the recording;
- `wait: {KIND/NAME: CONDITION}`, as `labsupport.cluster.waiting` knows them;
- `retry: NAME` of a Workflow that has failed, as `argo retry` does.

`when` may name `rollout: {DEPLOYMENT: STAGE}` (`complete`, `crash`, ...: the names of `rollout.Stage`), `words` that stand
in a rollout's words, `said`, a text in the log of every pod of those Deployments, `waiting: REASON` for a container of each,
`endpoints: {SERVICE: NUMBER}` that are ready, and `status: {KIND/NAME: {FIELD: VALUE}}`. The very snapshot that meets all of it is stored.
"""

import json
import re
import shlex
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from labsupport import paths
from labsupport.cluster import argo, lab, rollout, show, waiting
from labsupport.cluster.interface import Cluster
from labsupport.cluster.lab import Lab
from labsupport.cluster.rollout import Stage
from labsupport.cluster.snapshot import Snapshot
from labsupport.errors import LabsError

Step = dict[str, Any]
# For what is waited for, and for one command of a recipe.
PATIENCE_SECONDS, COMMAND_SECONDS = 240.0, 240.0
# Where the volume of a claim lies, for pods that are processes of this machine.
_CLAIM = re.compile(r"/[^\s\"']*/volumes/pvc-[0-9a-f-]{36}")


@dataclass(frozen=True)
class Recording:
    """One snapshot to make: what is done, and what the namespace must hold then."""

    name: str
    do: list[Step] = field(default_factory=list)
    when: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """How all recordings of one lab are made."""

    lab: str
    begin: list[Step]
    each: list[Step]
    recordings: list[Recording]


def folder() -> Path:
    """Return the folder of the recipes."""
    return paths.course_root() / "tests" / "lessons" / "recordings"


def read(number: str) -> Recipe:
    """Return the recipe of a lab; raises LabsError when there is none, or it holds what no recipe may."""
    lab.manifests_of(number)
    file = folder() / f"{number}.yaml"
    try:
        value = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(path.stem for path in sorted(folder().glob("*.yaml")))
        raise LabsError(f"Lab {number} has no recipe {file.name}; there are {known or 'none'}.") from None
    recordings = [Recording(name, **(parts or {})) for name, parts in value["recordings"].items()]
    recipe = Recipe(number, value.get("begin", []), value.get("each", []), recordings)
    for step in [*recipe.begin, *recipe.each, *(step for one in recordings for step in one.do)]:
        if len(step) != 1 or set(step) - set(_STEPS):
            raise LabsError(f"{file.name}: a step is one of {', '.join(_STEPS)}; this one is {step}.")
    for one in recordings:
        if unknown := set(one.when) - set(_TESTS):
            raise LabsError(f"{file.name}: {one.name} waits for {', '.join(unknown)}; known: {', '.join(_TESTS)}.")
    return recipe


def record(
    cluster: Cluster, recipe: Recipe, target: Path, names: Iterable[str] = (), say: Callable[[str], None] = print
) -> list[Path]:
    """Make the recordings of a recipe (or those of these names) in `target`, and return their files.

    The lab's namespace is deleted before and afterwards. Raises LabsError for a name that the recipe does not have, or
    with what was seen last where a recording does not come about.
    """
    chosen = set(names) or {one.name for one in recipe.recordings}
    if unknown := chosen - {one.name for one in recipe.recordings}:
        known = ", ".join(one.name for one in recipe.recordings)
        raise LabsError(f"The recipe of lab {recipe.lab} has no {', '.join(sorted(unknown))}; it has {known}.")
    place = lab.checkpoint(cluster, recipe.lab)
    _do(place, recipe.begin)
    files = []
    for one in recipe.recordings:
        if one.name not in chosen:
            continue
        _kubectl(place, "delete events --all")
        _do(place, recipe.each)
        _do(place, one.do)
        seen = _seen(place, one)
        files.append(target / f"{recipe.lab}-{one.name}.json.gz")
        _portable(seen).save(files[-1])
        say(f"recorded {files[-1].name}")
    lab.cleanup(cluster, recipe.lab)
    return files


def _do(place: Lab, steps: list[Step]) -> None:
    for step in steps:
        ((verb, value),) = step.items()
        _STEPS[verb](place, value)


def _apply(place: Lab, what: Any) -> None:
    text = show.text_of(place.manifests / what) if isinstance(what, str) else _dump(what)
    place.cluster.kubectl("-n", place.namespace, "apply", "-f", "-", stdin=text)


def _patch(place: Lab, changes: dict[str, Any]) -> None:
    for target, change in changes.items():
        kind = "json" if isinstance(change, list) else "strategic"
        place.cluster.kubectl("-n", place.namespace, "patch", target, "--type", kind, "-p", json.dumps(change))


def _kubectl(place: Lab, line: str) -> None:
    place.cluster.kubectl("-n", place.namespace, *shlex.split(line), timeout=COMMAND_SECONDS)


def _wait(place: Lab, conditions: dict[str, str]) -> None:
    for target, condition in conditions.items():
        waiting.wait_for(place.cluster, target, condition, place.namespace, PATIENCE_SECONDS)


def _seen(place: Lab, one: Recording) -> Snapshot:
    """Return the first snapshot that meets the recording's conditions and in which nothing is about to end."""
    missing = ""

    def look() -> Snapshot | None:
        nonlocal missing
        seen = place.snapshot()
        missing = next((text for name, value in one.when.items() if (text := _TESTS[name](seen, one, value))), "")
        if not missing and any(item["metadata"].get("deletionTimestamp") for item in seen.objects):
            missing = "something is still about to end"
        if not missing and any(_is_unseen(seen, item["metadata"]["name"]) for item in seen.all("Deployment")):
            missing = "a controller has not seen the last change"
        return None if missing else seen

    what = f"{place.number}-{one.name} can be recorded"
    return waiting.until(look, what, PATIENCE_SECONDS, pause=0.3, explain=lambda: missing)


def _is_unseen(seen: Snapshot, deployment: str) -> bool:
    found = rollout.of(seen, deployment)
    return found is not None and found.stage is Stage.UNSEEN


def _rollouts(seen: Snapshot, one: Recording) -> dict[str, rollout.Rollout | None]:
    return {name: rollout.of(seen, name) for name in one.when.get("rollout", {})}


def _is_at_stage(seen: Snapshot, one: Recording, value: dict[str, str]) -> str:
    for name, found in _rollouts(seen, one).items():
        if found is None or found.stage is not Stage[value[name].upper().replace("-", "_")]:
            return f"{name}: {found}"
    return ""


def _has_words(seen: Snapshot, one: Recording, value: str) -> str:
    said = [found.words for found in _rollouts(seen, one).values() if found]
    return "" if any(value in words for words in said) else f"words {said}"


def _has_said(seen: Snapshot, one: Recording, value: str) -> str:
    for found in _rollouts(seen, one).values():
        for pod in found.pods if found else []:
            name = pod["metadata"]["name"]
            if not any(value in said for key, said in seen.logs.items() if key.startswith(f"{name}/")):
                return f"{name} has not said {value!r}"
    return ""


def _waits_for(seen: Snapshot, one: Recording, value: str) -> str:
    for found in _rollouts(seen, one).values():
        for pod in found.pods if found else []:
            states = [state.get("state", {}) for state in pod["status"].get("containerStatuses", [])]
            if not any((state.get("waiting") or {}).get("reason") == value for state in states):
                return f"{pod['metadata']['name']}: {states}"
    return ""


def _has_endpoints(seen: Snapshot, one: Recording, value: dict[str, int]) -> str:
    for name, number in value.items():
        label = "kubernetes.io/service-name"
        slices = [item for item in seen.all("EndpointSlice") if item["metadata"].get("labels", {}).get(label) == name]
        endpoints = [entry for item in slices for entry in item.get("endpoints") or []]
        ready = sum(bool(entry.get("conditions", {}).get("ready")) for entry in endpoints)
        if not slices or ready != number:
            return f"{ready} endpoints of {name}"
    return ""


def _has_status(seen: Snapshot, one: Recording, value: dict[str, dict[str, Any]]) -> str:
    for target, wanted in value.items():
        kind, _, name = target.partition("/")
        status = (seen.get(kind, name) or {}).get("status", {})
        if any(status.get(key) != expected for key, expected in wanted.items()):
            return f"{target}: {status}"
    return ""


_STEPS: dict[str, Callable[[Lab, Any], None]] = {
    "apply": _apply,
    "patch": _patch,
    "kubectl": _kubectl,
    "wait": _wait,
    "retry": argo.retry,
}
_TESTS: dict[str, Callable[[Snapshot, Recording, Any], str]] = {
    "rollout": _is_at_stage,
    "words": _has_words,
    "said": _has_said,
    "waiting": _waits_for,
    "endpoints": _has_endpoints,
    "status": _has_status,
}


def _portable(seen: Snapshot) -> Snapshot:
    """Return the snapshot with events of what is there only, and with an image's folders for those of this machine."""
    there = {(item["kind"], item["metadata"]["name"]) for item in seen.objects}
    # What is gone belongs to an earlier recording.
    events = [
        event
        for event in seen.events
        if (event["involvedObject"].get("kind"), event["involvedObject"].get("name")) in there
    ]
    text = json.dumps([seen.objects, events, seen.logs])
    here = re.compile(rf"{re.escape(sys.prefix)}|{re.escape(str(paths.course_root()))}")
    text = _CLAIM.sub("/volumes/claim", here.sub("/usr/local", text))
    return Snapshot(seen.namespace, *json.loads(text))


def _dump(what: Any) -> str:
    return yaml.safe_dump_all(what if isinstance(what, list) else [what], sort_keys=False)
