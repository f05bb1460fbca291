"""Rules of Prometheus and routes of Alertmanager under test, by their own tools."""

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import yaml

from labsupport.cluster.pocket import observers
from labsupport.inheritance import inherited

RULES, TESTS = "rules.yml", "tests.yml"
LIMIT_S = 60


@dataclass(frozen=True)
class Tested:
    """What `promtool` says of rules and tests: `passed`, and its words."""

    passed: bool
    words: str


def check(rules: str) -> Tested:
    """Let promtool read rules (YAML). Raises LabsError without the program."""
    return _run("promtool", ["check", "rules", RULES], {RULES: rules})


def test(rules: str, tests: str) -> Tested:
    """Run unit tests (YAML, without `rule_files`, which are `rules`). Raises LabsError without the program."""
    whole = yaml.safe_load(tests)
    whole = (whole if isinstance(whole, dict) else {"tests": whole}) | {"rule_files": [RULES]}
    whole.setdefault("evaluation_interval", "1m")
    return _run("promtool", ["test", "rules", TESTS], {RULES: rules, TESTS: yaml.safe_dump(whole)})


def route(configuration: str, **labels: str) -> Tested:
    """Ask amtool who is told of an alert with these labels: the receivers' names, or why the file is wrong."""
    words = [f"{name}={value}" for name, value in labels.items()]
    arguments = ["config", "routes", "test", "--config.file=alertmanager.yml", *words]
    return _run("amtool", arguments, {"alertmanager.yml": configuration})


def _run(program: str, arguments: list[str], files: dict[str, str]) -> Tested:
    path = observers.find(program)
    with tempfile.TemporaryDirectory(prefix="labs-promtool-") as folder:
        for name, text in files.items():
            (Path(folder) / name).write_text(text)
        ended = subprocess.run(
            [path, *arguments], cwd=folder, capture_output=True, text=True, timeout=LIMIT_S, env=inherited()
        )
    # Where all is well, the errors are warnings.
    words = ended.stdout if ended.returncode == 0 else ended.stdout + ended.stderr
    return Tested(ended.returncode == 0, words.strip())
