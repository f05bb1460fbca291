"""Pipelines of the Kubeflow Pipelines SDK on this machine: compiled, read, and run as processes, without a cluster."""

import contextlib
import io
import logging
import re
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def compiled(pipeline: Callable[..., Any]) -> dict[str, Any]:
    """Return what a Kubeflow server would get: the pipeline as its compiler writes it."""
    from kfp import compiler

    with tempfile.TemporaryDirectory(prefix="labs-kubeflow-") as folder:
        file = Path(folder) / "pipeline.yaml"
        compiler.Compiler().compile(pipeline, str(file))
        documents: list[dict[str, Any]] = list(yaml.safe_load_all(file.read_text(encoding="utf-8")))
        return documents[0]


def order(compiled_pipeline: dict[str, Any]) -> dict[str, list[str]]:
    """Return for each task the tasks that it waits for; one within a condition waits at least for that."""
    found = {}
    dags = {"": compiled_pipeline["root"], **compiled_pipeline["components"]}
    for place, dag in dags.items():
        around = [place.removeprefix("comp-")] if place else []
        for name, task in dag.get("dag", {}).get("tasks", {}).items():
            found[name] = task.get("dependentTasks", around)
    return found


def run_here(pipeline: Callable[..., Any], folder: Path, **parameters: Any) -> str:
    """Run a pipeline, each of its steps a process of this environment, and return all that was logged.

    Files are left below `folder`. The log's last line says how the pipeline ended.
    """
    from kfp import local

    said = io.StringIO()
    handler = logging.StreamHandler(said)
    root = logging.getLogger()
    before = root.handlers[:], root.level
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), warnings.catch_warnings():
        # It warns that a process is not the image that the component names.
        warnings.simplefilter("ignore")
        local.init(local.SubprocessRunner(use_venv=False), pipeline_root=str(folder), raise_on_error=False)
        root.handlers[:] = [handler]
        try:
            pipeline(**parameters)
        finally:
            root.handlers[:], root.level = before
    return _COLOUR.sub("", said.getvalue())
