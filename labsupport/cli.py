"""The command `labs`. Imports stand in the commands, so that `labs --help` answers at once."""

import argparse
import contextlib
import errno
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from labsupport import ending
from labsupport.cluster import commands as cluster
from labsupport.errors import LabsError
from labsupport.gameday import commands as gameday

if TYPE_CHECKING:
    from labsupport.course.variants import Variant

Command = Callable[[argparse.Namespace], int]


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns 0, 1 when something failed, 2 for wrong usage, 130 (129, 143) when interrupted.

    141 when whoever read the output has seen enough: nobody knows what the rest would have been.
    """
    options = _parser().parse_args(arguments)
    try:
        with ending.heard():
            _clean_up()
            code = options.run(options) or 0
        sys.stdout.flush()
        return code
    except LabsError as error:
        print(f"labs: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as interrupt:
        # The terminal may be gone.
        with contextlib.suppress(OSError):
            print("\nlabs: interrupted; nothing half-written was left.", file=sys.stderr)
        return ending.exit_code(interrupt)
    except OSError as error:
        if isinstance(error, BrokenPipeError) and _reader_is_gone():
            # `labs list | head`. Python's own flush at exit must not fail again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 128 + signal.SIGPIPE
        print(f"labs: {_explained(error)}", file=sys.stderr)
        return 1


def _reader_is_gone() -> bool:
    output = select.poll()
    output.register(sys.stdout.fileno(), 0)
    return bool(output.poll(0))


def _explained(error: OSError) -> str:
    said = error.strerror or str(error) or type(error).__name__
    where = f"{error.filename}: " if error.filename else ""
    if said.startswith("No usable temporary directory"):
        return "The disk is full, or the folder for temporary files can't be written: free some space, or set TMPDIR."
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{where}{said}. Free some space and repeat."
    try:
        Path.cwd()
    except OSError:
        return "The folder that you are in was deleted, or is closed to you: change into your clone."
    if not where:
        return f"{said}."
    if isinstance(error, PermissionError):
        return f"{where}{said}. Check who owns it, or change into a folder of yours."
    return f"{where}{said}. Check that path."


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="labs", description="Machine learning foundations for DevOps engineers: the course's tool."
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, run: Command, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    added = command("list", _list, "list the lessons with their times")
    added.add_argument("--route", help="only the lessons of one route: alone, one-day, two-day, binder")

    added = command("lab", _lab, "open JupyterLab on your own copies of the lessons")
    added.add_argument("rest", nargs="*", metavar="JUPYTER_OPTION", help="options for JupyterLab, after --")
    added = command("start", _start, "copy lessons to work/, never over a copy that is there")
    added.add_argument("lessons", nargs="*", metavar="NNN")
    added = command("reset", _reset, "give a fresh copy of a lesson; the old one is kept with its date")
    added.add_argument("lesson", metavar="NNN")
    added = command("save", _save, "pack work/, without earlier archives, and your progress into a zip file")
    added.add_argument("file", nargs="?", type=Path, default=None)
    added = command(
        "restore",
        _restore,
        "unpack what `labs save` packed; files that differ are kept with their date, progress is merged",
    )
    added.add_argument("file", type=Path)
    added = command("progress", _progress, "show your progress, or a class's")
    added.add_argument(
        "--merge", nargs="+", type=Path, metavar="FILE", help="progress files of a class, one per learner"
    )
    command("doctor", _doctor, "look for what could go wrong on this machine, with the line that mends it")

    added = command("env", _env, "make the environment of a program that can't live beside the course's libraries")
    added.add_argument("name", metavar="NAME", help="airflow, drift, mlserver, quality, rl or scan")

    added = command("run", _run, "execute the notebooks of the course and write build/report.html")
    added.add_argument("lessons", nargs="*", metavar="NNN")
    added.add_argument(
        "-j", "--jobs", type=int, help="notebooks at once (default: one a core, where there is the memory)"
    )
    added.add_argument("--seed", type=int, help="another SEED than the notebook's own")
    added.add_argument(
        "--learner",
        action="store_true",
        help="the unsolved notebooks (default: the solved ones, every check must pass)",
    )

    added = command("build", _build, "build notebooks from notebooks/src: derive, execute, publish")
    added.add_argument("lessons", nargs="*", metavar="NNN")
    how = added.add_mutually_exclusive_group()
    how.add_argument("--check", action="store_true", help="only compare, execute nothing")
    how.add_argument("--texts", action="store_true", help="renew texts and headers only, where no code changed")
    added = command("measure", _measure, "measure seconds and memory of lessons and renew their headers")
    added.add_argument("lessons", nargs="*", metavar="NNN")
    added = command("new", _new, "make the skeleton of a lesson: source, checkers, tests")
    added.add_argument("number", metavar="NNN")
    added.add_argument("topic")
    cluster.add_parsers(commands)
    gameday.add_parsers(commands)
    return parser


def _clean_up() -> None:
    """End and remove what runs that were killed have left on this machine."""
    from labsupport.course import labs

    # On a full disk Python finds no folder for temporary files: the command itself says so, or needs none.
    with contextlib.suppress(FileNotFoundError):
        if done := labs.end_abandoned():
            print(f"labs: {done}", file=sys.stderr)


def _list(options: argparse.Namespace) -> int:
    from labsupport.course import catalogue

    routes = catalogue.syllabus()["routes"]
    chosen = catalogue.route(options.route or "alone")
    for part in catalogue.syllabus()["parts"]:
        entries = [entry for entry in chosen if entry.part == part["part"]]
        if entries:
            print(part["title"])
        for entry in entries:
            print(
                f"  {entry.number} {entry.title:<52} {_minutes(entry.minutes)}  {entry.exercises} exercises and questions"
            )
    total = sum(entry.minutes or 0 for entry in chosen)
    print(f"{len(chosen)} lessons, about {total / 60:.1f} hours. {len(catalogue.planned())} more are planned.")
    if not options.route:
        print("Routes: " + "; ".join(f"--route {name} ({r['title']}: {r['text']})" for name, r in routes.items()))
    return 0


def _minutes(minutes: int | None) -> str:
    return "  ? min" if minutes is None else f"{minutes:3d} min"


def _lab(options: argparse.Namespace) -> int:
    from labsupport import paths, variables
    from labsupport.course import copies, jupyterlab

    missed: list[str] = []
    made = copies.start(report=missed.append)
    print(f"Your copies are in {paths.work()} ({len(made)} new). {copies.outdated_text()}")
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={paths.work()}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # A container's only user is often root; JupyterLab wants to be told.
        command.append("--allow-root")
    if (paths.work() / "000_start_here.ipynb").exists():
        command.append("--LabApp.default_url=/lab/tree/000_start_here.ipynb")
    command += jupyterlab.style() + jupyterlab.terminal()
    jupyterlab.settle()
    _say_what_was_missed(missed)
    sys.stdout.flush()
    environment = variables.for_learner()
    os.chdir(paths.work())
    os.execve(sys.executable, command + options.rest, environment)


def _start(options: argparse.Namespace) -> int:
    from labsupport.course import copies

    missed: list[str] = []
    made = copies.start(options.lessons or None, missed.append)
    for path in made:
        print(f"started {path}")
    if not made and not missed:
        print("All copies are there already; `labs reset NNN` gives a fresh one. " + copies.outdated_text())
    return _say_what_was_missed(missed)


def _reset(options: argparse.Namespace) -> int:
    from labsupport.course import copies

    copy, backup = copies.reset(options.lesson)
    print(f"fresh copy: {copy}" + (f"\nyour old one: {backup}" if backup else ""))
    return 0


def _save(options: argparse.Namespace) -> int:
    from labsupport import files
    from labsupport.course import archive
    from labsupport.exercises import progress

    file = options.file or Path(f"labs-{files.stamp()}.zip")
    missed: list[str] = []
    count, with_progress = archive.save(file, missed.append)
    also = " and your progress" if with_progress else f", without progress (it would be in {progress.path()}),"
    print(f"saved {count} files{also} in {file}; `labs restore {file}` brings them back")
    if {"BINDER_LAUNCH_HOST", "BINDER_SERVICE_HOST"} & os.environ.keys():
        print(f"This session ends with all its files: right-click {file.name} in the file list and download it.")
        print(f"In the next session, upload it, then: labs restore {file.name}")
    return _say_what_was_missed(missed)


def _restore(options: argparse.Namespace) -> int:
    from labsupport import paths
    from labsupport.course import archive
    from labsupport.exercises import progress

    missed: list[str] = []
    restored, backups = archive.restore(options.file, missed.append)
    added = progress.path() in restored
    kept = ", ".join(str(path.relative_to(paths.course_root())) for path in backups)
    print(
        f"restored {len(restored) - added} files"
        + (f"; kept what differed: {kept}" if kept else "")
        + ("; added the archive's progress to yours" if added else "")
    )
    return _say_what_was_missed(missed)


def _say_what_was_missed(missed: list[str]) -> int:
    for sentence in missed:
        print(f"labs: {sentence}", file=sys.stderr)
    return int(bool(missed))


def _progress(options: argparse.Namespace) -> int:
    from labsupport.course import overview

    print(overview.of_class(options.merge) if options.merge else overview.of_learner())
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from labsupport import doctor, findings

    found = doctor.examine()
    print(findings.text(found))
    return int(any(finding.level == findings.FAIL for finding in found))


def _env(options: argparse.Namespace) -> int:
    from labsupport import isolated

    print(f"{options.name} is ready: {isolated.make(options.name)}")
    return 0


def _run(options: argparse.Namespace) -> int:
    from labsupport import paths
    from labsupport.course import report, runner, source
    from labsupport.course.display import display

    if options.jobs is not None and options.jobs < 1:
        raise LabsError(f"-j takes a number of notebooks from 1 up; you gave {options.jobs}.")
    lessons = [source.read(path) for path in source.select(options.lessons)]
    left_out = runner.why_not(lessons)
    reason = " ".join(dict.fromkeys(left_out.values()))
    if left_out and (options.lessons or len(left_out) == len(lessons)):
        # What was asked for by name may not be left out, and a run of nothing has not passed.
        raise LabsError(f"{', '.join(left_out)} can't run here: {reason}")
    if not lessons:
        raise LabsError(f"There is no lesson in {paths.sources()} yet: labs new NNN TOPIC makes one.")
    variant: Variant = "learner" if options.learner else "solution"
    jobs = [runner.Job.of(lesson, variant, options.seed) for lesson in lessons if lesson.number not in left_out]
    skipped = {lesson.name: left_out[lesson.number] for lesson in lessons if lesson.number in left_out}
    page = paths.build_folder() / "report.html"
    started = time.monotonic()
    shown = display(len(jobs))
    done: list[runner.Result] = []

    def finished(result: runner.Result) -> None:
        done.append(result)
        shown.finished(result)

    try:
        results = runner.run_all(jobs, options.jobs, shown.started, finished)
    except BaseException:
        ended = {result.name for result in done}
        skipped |= {job.name: "the run was interrupted before its end" for job in jobs if job.name not in ended}
        # What ended the run is to be told, even where the page can't be written.
        with contextlib.suppress(LabsError, OSError):
            report.write(page, done, time.monotonic() - started, skipped, interrupted=True)
        raise
    finally:
        shown.close()
    failed = [result for result in results if not result.passed]
    page = report.write(page, results, time.monotonic() - started, skipped)
    for result in failed:
        print(f"\n{result.name}: {result.problem}", file=sys.stderr)
    print(
        f"{len(results) - len(failed)} of {len(results)} notebooks passed in {time.monotonic() - started:.0f} s. Report: {page}"
    )
    if left_out:
        print(f"Skipped {', '.join(left_out)}: {reason}")
    return int(bool(failed))


def _build(options: argparse.Namespace) -> int:
    from labsupport.course import build, display, source

    if options.check:
        found = build.check(options.lessons or None)
        print("\n".join(found) or "All notebooks are current.")
        return int(bool(found))
    chosen = [source.read(path) for path in source.select(options.lessons)]
    failed = False
    # The start page lists the others, so it comes last.
    for lesson in sorted(chosen, key=lambda lesson: lesson.number == "000"):
        if options.texts:
            if not build.refresh(lesson):
                failed = True
                print(f"{lesson.name}: its code or what it shows has changed; run: labs build {lesson.number}")
            continue
        for result in build.build(lesson):
            print(f"{lesson.number} {display.line(result)}", flush=True)
    return int(failed)


def _measure(options: argparse.Namespace) -> int:
    from labsupport.course import build, measure, source

    for path in source.select(options.lessons):
        lesson = source.read(path)
        numbers = measure.measure(lesson)
        measure.store(lesson.number, numbers)
        build.refresh(lesson)
        print(f"{lesson.name}: " + ", ".join(f"{name} {number}" for name, number in numbers.items()), flush=True)
    print("Times stand in the list of lessons, too: labs build 000 renews it.")
    return 0


def _new(options: argparse.Namespace) -> int:
    from labsupport.course import new

    for path in new.create(options.number, options.topic):
        print(f"created {path}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
