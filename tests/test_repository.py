"""The repository as a whole: its size, its commands, its two lists of libraries, and what may never stand in it."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from labsupport import paths

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


def test_workflows_call_the_readmes_commands() -> None:
    steps = []
    for path in (ROOT / ".github/workflows").glob("*.yml"):
        for job in yaml.safe_load(path.read_text())["jobs"].values():
            steps += [step["run"] for step in job["steps"] if "run" in step]
    assert any("make test" in step for step in steps)
    assert any("make nightly" in step for step in steps)
    assert (ROOT / ".ci/run").read_text().strip().endswith("exec make test")


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
