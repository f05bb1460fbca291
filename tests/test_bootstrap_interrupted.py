"""The set-up in a world that interrupts it: killed at each moment, twice at once, moved, copied, made by somebody else.

Python, pip and uv are a script here that does to the disk what they do, one step after the other, and damages what it is
given half done, as they would. At a step of the test's choice it ends the set-up, or waits at a pipe.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from labsupport import bootstrap

FAKE = r"""#!/bin/sh
venv=$LABS_TREE/.venv
tick() {
    n=$(($(cat "$LABS_TREE/ticks") + 1)); echo $n > "$LABS_TREE/ticks"
    [ "$n" = "${LABS_WAIT_AT:-0}" ] && { echo here > "$LABS_TREE/reached"; cat "$LABS_TREE/go" > /dev/null; }
    [ "$n" = "${LABS_END_AT:-0}" ] || return 0
    kill -"$LABS_SIGNAL" $PPID
    # A set-up that hears the signal ends its step itself.
    [ "$LABS_SIGNAL" = KILL ] || kill -STOP $$
    exit 1
}
broken() { echo "broken: $1" >&2; exit 1; }
whole() { [ "$(cat "$venv/$1" 2> /dev/null)" = whole ]; }
put() { echo half > "$venv/$1"; tick; echo whole > "$venv/$1"; tick; }
case "$0 $*" in
    *"-m venv"*) mkdir -p "$venv/bin"; tick; cp "$LABS_TREE/fake" "$venv/bin/python"; put pip ;;
    *"-m pip --version"*) whole pip || broken pip ;;
    *"-m pip config list"*) ;;
    *"-m pip install -q uv"*)
        whole pip || broken pip
        # Once its name is noted, pip believes that it is there.
        [ -e "$venv/uv-noted" ] || { touch "$venv/uv-noted"; tick; cp "$LABS_TREE/fake" "$venv/bin/uv"; put uv; } ;;
    *"uv --version"*) whole uv || broken uv ;;
    *"uv pip install"*"-e "*) whole uv || broken uv; tick; echo "$LABS_TREE" > "$venv/course"; tick ;;
    *"uv pip install"*)
        whole uv || broken uv
        [ -e "$venv/libraries" ] && { whole libraries || broken libraries; }
        put libraries ;;
    *"import labsupport"*) echo 3 12; echo "$(cat "$venv/course")/labsupport/__init__.py" ; test -s "$venv/course" ;;
    *"version_info"*) echo 3 12 ;;
    *compileall*) tick ;;
esac
"""
DRIVER = """
import sys
sys.path.insert(0, sys.argv[1])
from labsupport import bootstrap
bootstrap.suitable_python = lambda: sys.argv[1] + "/fake"
bootstrap.end_on_signals()
raise SystemExit(bootstrap.main())
"""
ENDED = "\nsetup: interrupted; the same command goes on where it stopped.\n"


class Course:
    """A checkout with the set-up and nothing else."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def made(cls, root: Path) -> "Course":
        (root / "labsupport").mkdir(parents=True)
        for name in ("__init__", "bootstrap", "indexes", "inheritance"):
            shutil.copy(Path(bootstrap.__file__).with_name(f"{name}.py"), root / "labsupport")
        (root / "requirements").mkdir()
        (root / "requirements" / "main.txt").write_text("numpy==1\n")
        (root / "requirements" / "size.json").write_text('{"download_mb": 1, "disk_gb": 0.1, "minutes": 1}')
        (root / "fake").write_text(FAKE)
        (root / "fake").chmod(0o755)
        (root / "ticks").write_text("0")
        return cls(root)

    def start(self, **variables: str) -> "subprocess.Popen[str]":
        environment = os.environ | {"LABS_TREE": str(self.root)} | variables
        command = [sys.executable, "-c", DRIVER, str(self.root)]
        return subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.root
        )

    def set_up(self, **variables: str) -> tuple[int, str, str]:
        process = self.start(**variables)
        said, errors = process.communicate(timeout=120)
        return process.returncode, said, errors

    @property
    def ticks(self) -> int:
        return int((self.root / "ticks").read_text())

    def assert_ready(self) -> None:
        venv = self.root / ".venv"
        assert [(venv / name).read_text() for name in ("pip", "uv", "libraries")] == ["whole\n"] * 3
        assert (venv / "course").read_text() == f"{self.root}\n"
        assert self.set_up() == (0, "", ""), "a set-up that is ready does nothing and says nothing"


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return Course.made(tmp_path / "course")


TICKS = 11


def test_it_takes_as_many_steps_as_are_interrupted_below(course: Course) -> None:
    assert course.set_up()[0] == 0
    course.assert_ready()
    assert course.ticks == TICKS


@pytest.mark.parametrize("tick", range(1, TICKS + 1))
def test_a_set_up_that_was_killed_at_any_step_ends_well_at_the_next_call(tick: int, course: Course) -> None:
    assert course.set_up(LABS_END_AT=str(tick), LABS_SIGNAL="KILL")[0] == -signal.SIGKILL
    code, _, errors = course.set_up()
    assert (code, errors) == (0, "")
    course.assert_ready()


@pytest.mark.parametrize("name", ["INT", "TERM", "HUP"])
@pytest.mark.parametrize("tick", [1, 6, 8, 10])
def test_a_signal_ends_the_step_with_the_set_up_and_the_next_call_ends_well(
    tick: int, name: str, course: Course
) -> None:
    code, _, errors = course.set_up(LABS_END_AT=str(tick), LABS_SIGNAL=name)
    assert (code, errors) == (128 + getattr(signal, f"SIG{name}"), ENDED)
    assert course.ticks == tick, "the step went on"
    assert course.set_up()[0] == 0
    course.assert_ready()


def test_an_update_that_was_killed_ends_well_too(course: Course) -> None:
    course.set_up()
    (course.root / "requirements" / "main.txt").write_text("numpy==2\n")
    course.set_up(LABS_END_AT=str(TICKS + 1), LABS_SIGNAL="KILL")
    assert course.set_up()[0] == 0
    course.assert_ready()


def test_a_clearing_that_was_interrupted_is_gone_on_with(course: Course) -> None:
    course.set_up(LABS_END_AT="9", LABS_SIGNAL="KILL")
    (course.root / ".venv" / "pip").unlink()
    shutil.rmtree(course.root / ".venv" / "bin")
    assert course.set_up()[0] == 0
    course.assert_ready()


def test_two_at_once_take_turns_and_the_second_finds_all_done(course: Course) -> None:
    for name in ("reached", "go"):
        os.mkfifo(course.root / name)
    first = course.start(LABS_WAIT_AT="6")
    assert (course.root / "reached").read_text() == "here\n"
    second = course.start()
    assert second.stdout is not None
    assert second.stdout.readline().startswith("Another set-up works on this folder")
    (course.root / "go").write_text("")
    assert [process.wait(60) for process in (first, second)] == [0, 0]
    assert course.ticks == TICKS
    course.assert_ready()


def test_a_step_that_outlives_its_set_up_is_waited_for(course: Course) -> None:
    for name in ("reached", "go"):
        os.mkfifo(course.root / name)
    first = course.start(LABS_WAIT_AT="6")
    assert (course.root / "reached").read_text() == "here\n"
    first.kill()
    first.wait(60)
    second = course.start()
    assert second.stdout is not None
    assert second.stdout.readline().startswith("Another set-up works on this folder, or a step that it left behind")
    (course.root / "go").write_text("")
    said, errors = second.communicate(timeout=60)
    assert (second.returncode, errors) == (0, "")
    assert "made again: a set-up was interrupted." in said
    course.assert_ready()


@pytest.mark.parametrize("how", ["moved", "copied"])
def test_a_clone_that_moved_or_was_copied_gets_an_environment_of_its_own(how: str, course: Course) -> None:
    course.set_up()
    place = course.root.with_name("course2")
    if how == "moved":
        course.root.rename(place)
    else:
        shutil.copytree(course.root, place, symlinks=True)
    there = Course(place)
    code, said, errors = there.set_up()
    assert (code, errors) == (0, "")
    assert f"made again: it belongs to the course in {course.root}." in said
    there.assert_ready()
    if how == "copied":
        course.assert_ready()


def test_a_folder_seen_from_another_system_is_set_up_for_that(course: Course) -> None:
    course.set_up()
    stamp = course.root / ".venv" / "labs-ready"
    stamp.write_text(stamp.read_text().replace("Linux", "Darwin"))
    code, said, _ = course.set_up()
    assert code == 0 and "made again: it was made on Darwin" in said
    course.assert_ready()


def test_an_environment_whose_python_is_gone_is_made_again(course: Course) -> None:
    course.set_up()
    (course.root / ".venv" / "bin" / "python").unlink()
    code, said, _ = course.set_up()
    assert code == 0 and "made again: its Python does not run here" in said
    course.assert_ready()


def test_an_environment_that_finds_another_course_is_made_again(course: Course) -> None:
    course.set_up()
    (course.root / ".venv" / "course").write_text("/another/course\n")
    code, said, _ = course.set_up()
    assert code == 0 and "made again: it runs the course in /another/course." in said
    course.assert_ready()


def test_an_environment_of_the_first_set_ups_is_made_again(course: Course) -> None:
    course.set_up()
    (course.root / ".venv" / "labs-ready").write_text("0a1b2c")
    assert course.set_up()[0] == 0
    course.assert_ready()


def test_a_link_to_another_courses_environment_is_replaced_and_that_one_left_alone(course: Course) -> None:
    course.set_up()
    other = Course.made(course.root.with_name("other"))
    (other.root / ".venv").symlink_to(course.root / ".venv")
    assert other.set_up()[0] == 0
    other.assert_ready()
    course.assert_ready()


def test_an_environment_that_somebody_made_by_hand_is_filled_and_nothing_of_it_deleted(course: Course) -> None:
    (course.root / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(course.root / "fake", course.root / ".venv" / "bin" / "python")
    (course.root / ".venv" / "pip").write_text("whole\n")
    (course.root / ".venv" / "mine").write_text("kept")
    assert course.set_up()[0] == 0
    course.assert_ready()
    assert (course.root / ".venv" / "mine").read_text() == "kept"


@pytest.mark.parametrize(
    ("fault", "sentence"), [("pip", "its pip does not run"), ("bin/python", "its Python does not")]
)
def test_an_environment_made_by_hand_that_does_not_work_is_named_with_what_to_delete(
    fault: str, sentence: str, course: Course
) -> None:
    (course.root / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(course.root / "fake", course.root / ".venv" / "bin" / "python")
    (course.root / ".venv" / "pip").write_text("whole\n")
    (course.root / ".venv" / fault).unlink()
    code, _, errors = course.set_up()
    assert code == 1 and sentence in errors
    assert errors.endswith(f"Delete it and repeat: rm -r {course.root / '.venv'}\n")


def test_without_network_an_update_leaves_the_environment_that_served_so_far(course: Course) -> None:
    course.set_up()
    (course.root / "requirements" / "main.txt").write_text("numpy==2\n")
    (course.root / ".venv" / "bin" / "uv").write_text("#!/bin/sh\necho 'error: dns error' >&2\nexit 2\n")
    before = {path.name: path.read_bytes() for path in (course.root / ".venv").iterdir() if path.is_file()}
    code, _, errors = course.set_up()
    assert code == 1 and "the package index can't be reached" in errors
    assert {path.name: path.read_bytes() for path in (course.root / ".venv").iterdir() if path.is_file()} == before


def test_on_a_disk_without_locks_it_says_so_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_locks(*arguments: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    monkeypatch.setattr(bootstrap, "TURN", str(tmp_path / "turn"))
    with bootstrap.alone():
        assert "no locks on this disk (No locks available): start no second set-up" in capsys.readouterr().out
