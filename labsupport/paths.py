"""Where everything lies: the one place that knows a path."""

import os
from pathlib import Path

from labsupport.errors import LabsError

PACKAGE = Path(__file__).resolve().parent
ANSWERS = PACKAGE / "lessons" / "answers"
CATALOGUE = PACKAGE / "lessons" / "catalogue.json"
SYLLABUS = PACKAGE / "lessons" / "syllabus.yaml"


class NoCourse(LabsError):
    """No checkout of the course is here: the package may be installed without one."""


def course_root() -> Path:
    """Return the checkout of the course: `$LABS_COURSE`, else the folder above the working directory or the package.

    Raises NoCourse when no checkout is found, and LabsError when the working directory lies in one clone and this package in
    another: a copied clone must not run the old one's programs on its own notebooks.
    """
    named = os.environ.get("LABS_COURSE")
    candidates = [Path(named)] if named else [*_with_parents(Path.cwd()), PACKAGE.parent]
    for folder in candidates:
        if (folder / "notebooks" / "src").is_dir():
            if not named:
                _refuse_another_clone(folder)
            return folder.resolve()
    place = named or str(Path.cwd())
    raise NoCourse(
        f"No course found at {place}: expected a folder with notebooks/src. "
        "Change into your clone of the course, or set LABS_COURSE to its path."
    )


def notebooks() -> Path:
    """Return the folder of the published notebooks."""
    return course_root() / "notebooks"


def sources() -> Path:
    """Return the folder of the lesson sources."""
    return notebooks() / "src"


def measured() -> Path:
    """Return the folder of the lessons' measured times and memory, a file each."""
    return notebooks() / "measured"


def course_map() -> Path:
    """Return the picture of the README: the map of the course, taken from the start page."""
    return notebooks() / "course_map.png"


def work() -> Path:
    """Return the folder of the learner's copies."""
    return course_root() / "work"


def build_folder() -> Path:
    """Return the folder for reports and other files that are made and may be deleted."""
    return course_root() / "build"


def data_home() -> Path:
    """Return the learner's own folder (progress): `$LABS_HOME`, else the user's data folder."""
    named = os.environ.get("LABS_HOME")
    if named:
        return Path(named).expanduser().resolve()
    from platformdirs import user_data_path

    return user_data_path("labs", appauthor=False)


def environments() -> Path:
    """Return the folder of the environments of other programs: `$LABS_ENVIRONMENTS`, else one beside the progress."""
    named = os.environ.get("LABS_ENVIRONMENTS")
    return Path(named).expanduser().resolve() if named else data_home() / "environments"


def _refuse_another_clone(folder: Path) -> None:
    theirs, ours = folder / "labsupport", PACKAGE.parent
    if theirs.is_dir() and (ours / "notebooks" / "src").is_dir() and not theirs.samefile(PACKAGE):
        raise LabsError(
            f"These are the programs of the course in {ours}, and this is the course in {folder}. "
            "Give it its own: make setup; source .venv/bin/activate"
        )


def _with_parents(folder: Path) -> list[Path]:
    folder = folder.resolve()
    return [folder, *folder.parents]
