"""A git repository with DVC in a temporary folder, whose commands know a fixed author and nothing of the user's settings."""

import contextlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path

import yaml

from labsupport import variables
from labsupport.errors import LabsError

STORE = Path("files") / "md5"
# What a program draws for a terminal: colours, the cursor, and the turning signs of a bar of progress with their words.
_TERMINAL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\u2800-\u28ff][^\n]*")
# DVC names the files in the order of a set, which differs from run to run.
_FILES_TO_ADD = re.compile(r"(?m)^(\s*git add )(\S.*)$")


@dataclass(frozen=True)
class Said:
    """What a command said, errors included, and the code by which it ended: 0 is well."""

    code: int
    text: str


class Workshop:
    """A temporary folder for repositories and the stores beside them; it goes with this object, and with this process."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="labs-versions-")).resolve()
        # A kernel that is killed can't remove it: this one does, when its standard input closes.
        keeper = subprocess.Popen(
            [sys.executable, "-m", "labsupport.lifeline", str(self.folder), "tail", "-f", "/dev/null"],
            env=variables.for_program(),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.close = weakref.finalize(self, _close, keeper, self.folder)

    def repository(self, name: str, **extra: str) -> "Repository":
        """Return an empty git repository, on a machine of its own as far as DVC can tell; `extra`: further variables."""
        repo = Repository(self.folder / name, extra)
        shutil.rmtree(repo.folder, ignore_errors=True)
        shutil.rmtree(repo.home, ignore_errors=True)
        repo.folder.mkdir()
        repo.home.mkdir()
        (repo.home / "aws").touch()
        repo.must("git init --quiet --initial-branch=main")
        return repo

    def clone(self, repo: "Repository", name: str, revision: str, **extra: str) -> "Repository":
        """Return a clean clone of a repository at a revision, as on another machine: git's files and no data."""
        other = self.repository(name, **extra)
        other.must(f"git fetch --quiet --tags {shlex.quote(str(repo.folder))} main")
        other.must(f"git reset --quiet --hard {shlex.quote(revision)}")
        return other


class Repository:
    """One working tree; commands are written as in a terminal and run in it, without a shell."""

    def __init__(self, folder: Path, extra: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.home = folder.parent / f".{folder.name}-machine"
        self.extra = extra or {}

    @property
    def cache(self) -> Path:
        """The folder of DVC's cache on this machine."""
        return self.folder / ".dvc" / "cache" / STORE

    def say(self, command: str) -> Said:
        """Run one command and return what it said, without the temporary folder, and files to add by name."""
        words = shlex.split(command)
        if words[:1] == ["dvc"]:
            words = [sys.executable, "-m", "dvc", *words[1:]]
        try:
            ended = subprocess.run(
                words,
                cwd=self.folder,
                env=variables.for_repository(self.home) | self.extra,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        except FileNotFoundError:
            raise LabsError(f"{words[0]} is not installed, and this lesson needs it.") from None
        said = _TERMINAL.sub("", ended.stdout).replace(f"{self.folder.parent}/", "")
        said = _FILES_TO_ADD.sub(lambda line: line[1] + " ".join(sorted(line[2].split())), said)
        lines = [line.rstrip() for line in said.splitlines()]
        return Said(ended.returncode, "\n".join(line for line in lines if line))

    def run(self, *commands: str) -> list[Said]:
        """Run commands one after another and print each as a terminal shows it; a code other than 0 is printed, too."""
        answers = []
        for command in commands:
            print(f"$ {command}")
            answers.append(self.say(command))
            if answers[-1].text:
                print(answers[-1].text)
            if answers[-1].code:
                print(f"(exit code {answers[-1].code})")
        return answers

    def must(self, *commands: str) -> str:
        """Run commands that have to succeed, and return what the last one said; raises LabsError with what one said."""
        answer = Said(0, "")
        for command in commands:
            answer = self.say(command)
            if answer.code:
                raise LabsError(f"`{command}` failed: {answer.text}")
        return answer.text

    def file_at(self, revision: str, path: str) -> str:
        """Return the text of a file as a revision has it."""
        return self.must(f"git show {revision}:{path}")

    def hashes(self, revision: str) -> dict[str, str]:
        """Return path -> md5 of every file that DVC keeps for a revision: those of pointer files, and outputs of steps."""
        found: dict[str, str] = {}
        for name in self.must(f"git ls-tree -r --name-only {revision}").splitlines():
            if name.endswith(".dvc"):
                folder = str(Path(name).parent)
                outs = yaml.safe_load(self.file_at(revision, name))["outs"]
                found |= {str(Path(folder) / out["path"]): out["md5"] for out in outs}
            if name == "dvc.lock":
                for step in yaml.safe_load(self.file_at(revision, name))["stages"].values():
                    # What git keeps itself, such as metrics, is a file of the revision.
                    found |= {out["path"]: out["md5"] for out in step.get("outs", []) if out["path"] != "metrics.json"}
        return found


def objects(folder: Path) -> dict[str, bytes]:
    """Return hash -> content of every file in a cache or in a remote on disk, by the names under which they lie there."""
    base = folder if folder.name == STORE.name else folder / STORE
    return {path.parent.name + path.name: path.read_bytes() for path in sorted(base.glob("??/*")) if path.is_file()}


def object_path(folder: Path, md5: str) -> Path:
    """Return where a cache or a remote on disk keeps the content of a hash."""
    base = folder if folder.name == STORE.name else folder / STORE
    return base / md5[:2] / md5[2:]


def _close(keeper: "subprocess.Popen[bytes]", folder: Path) -> None:
    assert keeper.stdin is not None
    with contextlib.suppress(OSError):
        # It removes the folder, and ends.
        keeper.stdin.close()
    keeper.wait()
    shutil.rmtree(folder, ignore_errors=True)
