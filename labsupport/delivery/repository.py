"""The model's repository: a temporary git repository with everything that makes, judges and delivers the model."""

import shutil
from pathlib import Path

from labsupport import paths
from labsupport.data.repository import Repository, Workshop

NAME = "deploy-risk"
WORKFLOW = Path(".github") / "workflows" / "deliver.yml"
FILES = Path(__file__).with_name("model_repository")


def make(workshop: Workshop) -> Repository:
    """Return the repository, with nothing committed yet."""
    repo = workshop.repository(NAME)
    for file in sorted(FILES.rglob("*")):
        if file.is_file() and file.suffix in (".py", ".yaml", ".txt", ".toml"):
            _copy(file, repo.folder / file.relative_to(FILES))
    _copy(FILES / "deliver.yml", repo.folder / WORKFLOW)
    manifests = paths.course_root() / "manifests" / "613"
    for part in ("base", "overlays"):
        shutil.copytree(manifests / part, repo.folder / "k8s" / part)
    (repo.folder / ".gitignore").write_text("build/\nmodel.onnx\nrelease.yaml\n__pycache__/\n")
    return repo


def commit(repo: Repository, message: str, change: dict[str, str] | None = None) -> str:
    """Write files (path -> text), commit everything, and return the commit's hash."""
    for name, text in (change or {}).items():
        (repo.folder / name).write_text(text)
    repo.must("git add --all", f"git commit --quiet --allow-empty --message '{message}'")
    return repo.must("git rev-parse HEAD")


def _copy(file: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, to)
