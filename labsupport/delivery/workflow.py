"""Read a workflow file: its jobs, what each waits for, and its steps, as GitHub understands them."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import yaml

from labsupport.errors import LabsError


@dataclass(frozen=True)
class Job:
    """A job: what it waits for, and its steps as the file has them."""

    name: str
    needs: tuple[str, ...]
    steps: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Workflow:
    """A workflow: its jobs in an order in which each comes after what it needs, and all of the file."""

    jobs: tuple[Job, ...]
    whole: dict[str, Any]

    def job(self, name: str) -> Job | None:
        """Return a job by its name, or None."""
        return next((job for job in self.jobs if job.name == name), None)

    def before(self, name: str) -> set[str]:
        """Return all jobs that must have succeeded before a job begins."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            job = self.job(waiting.pop())
            new = set(job.needs if job else ()) - found
            found |= new
            waiting += new
        return found


def read(path: Path) -> Workflow:
    """Return the workflow in a file; raises LabsError."""
    try:
        return parse(path.read_text())
    except OSError as error:
        raise LabsError(f"{path.name} can't be read: {error.strerror}.") from None


def parse(text: str) -> Workflow:
    """Return the workflow in a text; raises LabsError for one that is no workflow, with what is wrong."""
    try:
        whole = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise LabsError(f"It is no YAML: {' '.join(str(error).split())}.") from None
    if not isinstance(whole, dict) or not isinstance(whole.get("jobs"), dict):
        raise LabsError("It is no workflow: a mapping with `on` and `jobs` is expected.")
    # YAML 1.1 reads the key `on` as true.
    whole = {"on" if key is True else str(key): value for key, value in whole.items()}
    needs = {}
    for name, job in whole["jobs"].items():
        if not isinstance(job, dict) or not isinstance(job.get("steps"), list):
            raise LabsError(f"The job {name} has no list of steps.")
        if odd := [step for step in job["steps"] if not isinstance(step, dict)]:
            raise LabsError(f"A step of the job {name} is {odd[0]!r:.40}: it has `run` or `uses`.")
        needed = job.get("needs") or []
        needs[name] = [needed] if isinstance(needed, str) else [str(one) for one in needed]
    if unknown := sorted({one for named in needs.values() for one in named} - needs.keys()):
        raise LabsError(f"`needs` names {', '.join(unknown)}, and there is no such job.")
    try:
        order = list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        raise LabsError(f"Jobs wait for each other: {', '.join(error.args[1])}.") from None
    jobs = tuple(Job(name, tuple(needs[name]), tuple(whole["jobs"][name]["steps"])) for name in order)
    return Workflow(jobs, whole)


def merged(whole: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return a workflow with a change merged into it: mappings key by key, anything else is replaced."""
    result = copy.deepcopy(dict(whole))
    for key, value in change.items():
        before = result.get(key)
        both = isinstance(before, dict) and isinstance(value, Mapping)
        result[key] = merged(before, value) if both else copy.deepcopy(value)  # type: ignore[arg-type]
    return result


def text_of(whole: Mapping[str, Any]) -> str:
    """Return a workflow as the text of a file."""

    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

    return yaml.dump(dict(whole), Dumper=Plain, sort_keys=False, width=160)


def without_order(whole: Mapping[str, Any]) -> dict[str, Any]:
    """Return a workflow as a copy of the handout's often ends: no permissions, no concurrency, each job waits for the build alone."""
    draft = {key: copy.deepcopy(value) for key, value in whole.items() if key not in ("permissions", "concurrency")}
    for name in ("validate", "staging", "production"):
        draft["jobs"][name]["needs"] = ["build"]
    return draft
