"""The repository as a whole: its size, its commands, its two lists of libraries, and what may never stand in it."""

import json
import re
import runpy
import shlex
import statistics
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import pytest
import yaml

import labsupport
from labsupport import bootstrap, machine, paths
from labsupport.cluster import locking
from tests import kind, run

ROOT = paths.course_root()
README = ROOT / "README.md"
MEGABYTE = 1_000_000


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout: the tracked files can't be listed")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()]


def test_the_tree_stays_light() -> None:
    assert sum(path.stat().st_size for path in tracked()) < 25 * MEGABYTE


def test_notebooks_average_under_150_kilobytes() -> None:
    sizes = [
        path.stat().st_size for path in paths.notebooks().rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts
    ]
    assert sum(sizes) / len(sizes) < 150_000


def test_only_the_folders_of_the_house_exist() -> None:
    house = {"notebooks", "labsupport", "manifests", "binder", "tests", "benchmarks", "requirements", "docs"}
    hidden = {".ci", ".github", ".devcontainer"}
    assert {path.relative_to(ROOT).parts[0] for path in tracked() if path.parent != ROOT} <= house | hidden


def test_no_index_address_stands_in_a_lock() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        assert not re.search(r"https?://|--index-url|--extra-index-url|--find-links", lock.read_text())


def test_every_library_of_main_in_is_pinned_in_the_lock() -> None:
    pinned = {
        line.split("==")[0].lower()
        for line in (ROOT / "requirements/main.txt").read_text().splitlines()
        if "==" in line
    }
    for name in wanted_libraries():
        assert name in pinned, f"{name} stands in main.in but not in main.txt: run `make lock`"


def test_conda_and_binder_have_the_same_libraries() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    conda: set[str] = set()
    for item in environment["dependencies"]:
        for text in item["pip"] if isinstance(item, dict) else [item]:
            conda.add(normal(text))
    missing = wanted_libraries() - conda
    assert not missing - {"tensorflow-cpu"}, f"environment.yml lacks {sorted(missing)}"
    assert "-r ../requirements/main.txt" in (ROOT / "binder/requirements.txt").read_text()


def wanted_libraries() -> set[str]:
    lines = (ROOT / "requirements/main.in").read_text().splitlines()
    return {normal(line) for line in lines if line.strip() and not line.startswith("#")}


def normal(requirement: str) -> str:
    return re.split(r"[\[<>=~; ]", requirement.strip())[0].lower().replace("_", "-")


def test_every_file_names_the_same_range_of_pythons() -> None:
    (_, oldest), (_, newest) = bootstrap.OLDEST, bootstrap.NEWEST
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["requires-python"] == f">=3.{oldest},<3.{newest + 1}"
    assert project["tool"]["mypy"]["python_version"] == f"3.{oldest}"
    assert project["tool"]["ruff"]["target-version"] == f"py3{oldest}"
    assert f"- python>=3.{oldest},<3.{newest + 1}\n" in (ROOT / "environment.yml").read_text()
    assert (ROOT / "binder/runtime.txt").read_text().strip() == f"python-3.{oldest}"
    assert f"Python 3.{oldest} to 3.{newest}" in README.read_text()
    pythons = re.findall(r'python(?:-version)?: "3\.(\d+)"', (ROOT / ".github/workflows/ci.yml").read_text())
    assert {str(oldest), str(newest)} == set(pythons)


WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def test_the_readme_says_what_the_median_lesson_takes() -> None:
    measured = [json.loads(path.read_text()) for path in (ROOT / "notebooks" / "measured").glob("*.json")]
    said = re.search(r"median of the lessons: (\d+) CPU-seconds, ([\d.]+) GB", README.read_text())
    assert said is not None
    for number, key, unit in ((said[1], "cpu_seconds", 1), (said[2], "memory_mb", 1000)):
        assert float(number) == pytest.approx(statistics.median(one[key] for one in measured) / unit, rel=0.25)


def steps() -> list[dict]:
    jobs = [job for path in WORKFLOWS for job in yaml.safe_load(path.read_text())["jobs"].values()]
    return [step for job in jobs for step in job["steps"]]


def test_workflows_call_the_readmes_commands() -> None:
    called = {step["run"] for step in steps() if "run" in step}
    assert {"make check", "make course"} <= called
    assert (ROOT / ".ci/run").read_text().strip().endswith("exec make test")


def test_the_jobs_of_ci_run_every_stage_of_make_test() -> None:
    called = [step["run"] for step in steps() if "run" in step]
    stages = set(run.stages(nightly=False)) - set(run.QUICK)
    assert {f"make test ONLY={stage}" for stage in stages} <= set(called)


@pytest.mark.parametrize(("cores", "gigabytes", "workers"), [(2, 24, 3), (4, 16, 5), (16, 8, 4), (2, 1, 1)])
def test_there_are_workers_for_cores_and_memory(
    cores: int, gigabytes: int, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "cores", lambda: cores)
    monkeypatch.setattr(machine, "memory", lambda: gigabytes * 10**9)
    command = run.stages(nightly=False)[run.TESTS]
    assert command[command.index("-n") + 1] == str(workers)


def test_the_weekly_jobs_run_every_stage_of_make_nightly() -> None:
    job = yaml.safe_load((ROOT / ".github/workflows/nightly.yml").read_text())["jobs"]["nightly"]
    assert job["steps"][-1] == {"run": 'make nightly ONLY="$STAGE"', "env": {"STAGE": "${{ matrix.stage }}"}}
    asked = job["strategy"]["matrix"]["stage"]
    left = set(run.stages(nightly=True)) - set(run.QUICK)
    assert left == {name for name in left if any(run.asks_for(one, name) for one in asked)}
    assert all(any(run.asks_for(one, name) for name in left) for one in asked)


def test_actions_are_pinned_by_commit() -> None:
    for path in WORKFLOWS:
        for line in path.read_text().splitlines():
            if "uses:" in line:
                assert re.search(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), f"{path.name}: {line.strip()}"


def test_gits_hooks_are_the_quick_checks() -> None:
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    entries = [shlex.split(hook["entry"]) for hook in local["hooks"]]
    assert [hook["name"] for hook in local["hooks"]] == list(run.QUICK)
    assert entries == [[".venv/bin/python", "-m", "tests.run", "--only", name] for name in run.QUICK]


def test_a_stage_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run.main(["--only", "fly"])
    assert ended.value.code == 2
    assert "there is no stage 'fly'; there are: lint, format" in capsys.readouterr().err


def test_a_stage_that_was_named_and_cannot_run_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "cannot_run", lambda: {"kind": "no container engine is here"})
    assert run.main(["--only", "kind"]) == 1
    assert capsys.readouterr().err == "kind can't run here: no container engine is here\n"


@pytest.mark.parametrize(("there", "got", "said"), [(True, True, False), (False, True, False), (False, False, True)])
def test_a_run_gets_the_pocket_clusters_programs_or_says_what_it_skipped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], there: bool, got: bool, said: bool
) -> None:
    installed: list[run.Command] = []

    def call(command: run.Command, env: dict[str, str]) -> int:
        installed.append(command)
        return 0 if got else 1

    check: subprocess.CompletedProcess[bytes] = subprocess.CompletedProcess([], 0 if there else 1)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(run, "cannot_run", dict)
    monkeypatch.setattr(run.kit, "find", lambda: None)
    monkeypatch.setattr(run, "_run", lambda name, command: 0)
    monkeypatch.setattr(run.subprocess, "run", lambda command, **options: check)
    monkeypatch.setattr(run.subprocess, "call", call)
    assert run.main(["--only", "tests"]) == 0
    assert bool(installed) is not there
    assert ("what needs a pocket cluster" in capsys.readouterr().out) is said


def test_what_a_benchmark_runs_besides_ours_is_made_before_it() -> None:
    stages = list(run.stages(nightly=True))
    for path in sorted((ROOT / "benchmarks").glob("*.py")):
        for name in re.findall(r"isolated\.program\(\"(\w+)\"", path.read_text()):
            assert stages.index(f"benchmark environment {name}") < stages.index(f"benchmark {path.stem}")


def test_the_benchmarks_can_be_asked_for_together(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def note(name: str, command: run.Command) -> int:
        ran.append(name)
        return 0

    monkeypatch.setattr(run, "_run", note)
    assert run.main(["--nightly", "--only", "benchmark"]) == 0
    assert len(ran) > 1
    assert all(name.startswith("benchmark ") for name in ran)
    with pytest.raises(SystemExit):
        run.main(["--only", "benchmark"])


def test_the_tests_on_kind_wait_for_those_of_another_checkout(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(kind, "_run_tests", lambda nightly: 0)
    monkeypatch.setattr(kind, "_TURN", 0)
    assert kind.main() == 0
    (lock,) = tmp_path.iterdir()
    with locking.locked(lock, 0, "busy"):
        assert kind.main() == 1
    assert "Another checkout runs its tests on kind" in capsys.readouterr().out
    assert kind.main() == 0


def test_the_first_stage_that_fails_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = []

    def call(command: list[str], **options: object) -> int:
        ran.append(Path(command[0]).name)
        return 3 if "codespell" in command[0] else 0

    monkeypatch.setattr(run.subprocess, "call", call)
    assert run.main(["--quick"]) == 3
    assert ran == ["ruff", "ruff", "codespell"]


def test_the_changelog_begins_with_the_version() -> None:
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None and newest[1] == labsupport.__version__


def test_the_picture_of_the_architecture_shows_the_layers_as_they_are() -> None:
    drawn = runpy.run_path(str(ROOT / "docs/draw.py"))
    assert drawn["draw"]() == drawn["PICTURE"].read_text(), "run: python docs/draw.py"


def test_no_page_of_the_docs_points_nowhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} points to {target}, which is not there"


def commands() -> list[str]:
    blocks = re.findall(r"```bash\n(.*?)```", README.read_text() + (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return sorted({line for line in lines if line and not line.startswith("#")})


# Too long for a test inside the tests, or changes the machine: only that the command exists is checked here.
ONLY_EXISTS = ("make ", "git clone", "cd ", "source ", "wsl ", "conda ", "docker ")


@pytest.mark.parametrize("command", commands())
def test_commands_of_the_readme_exist_and_run(command: str, tmp_path: Path) -> None:
    if command.startswith("make "):
        target = command.split()[1]
        done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return
    if command.startswith(ONLY_EXISTS):
        return
    import os

    env = dict(os.environ, LABS_HOME=str(tmp_path), PATH=f"{ROOT / '.venv/bin'}{os.pathsep}{os.environ['PATH']}")
    words = command.split()
    if words[0] == "labs" and words[1] in ("build", "run", "measure", "new", "lab") and "--check" not in words:
        words = ["labs", words[1], "--help"]
    elif words[0] == "python":
        assert (ROOT / words[1]).exists()
        return
    done = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, 1), done.stderr
    assert "Traceback" not in done.stderr
