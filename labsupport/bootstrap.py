"""Set up the course on a fresh machine: `python3 labsupport/bootstrap.py` makes .venv from requirements/main.txt.

It needs only Python and its standard library, and it must still be readable to an old Python, which it then refuses.
A second call does nothing. An environment that an interrupted set-up left, or that was made for another folder or system, is
made again: a file in it says that it was begun, and its stamp, where and from what it was finished.
What is printed about size and time comes from requirements/size.json (benchmarks/setup.py).
"""

import contextlib
import errno
import hashlib
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
from typing import Any, Dict, Iterator, List

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from labsupport import indexes, inheritance  # noqa: E402

VENV = os.path.join(ROOT, ".venv")
LOCK = os.path.join(ROOT, "requirements", "main.txt")
SIZE = os.path.join(ROOT, "requirements", "size.json")
LOG = os.path.join(ROOT, "build", "setup.log")
TURN = os.path.join(ROOT, "build", "setup.lock")
STAMP = os.path.join(VENV, "labs-ready")
BEGUN = os.path.join(VENV, "labs-begun")
PYTHON = os.path.join(VENV, "bin", "python")
OLDEST, NEWEST = (3, 11), (3, 13)

NETWORK = ("dns error", "name resolution", "Failed to establish", "error sending request", "Connection refused", "Network is unreachable",
           "Could not connect", "client error (Connect)", "No matching distribution found for uv", "timed out", "ReadTimeout", "ProxyError")  # fmt: skip
UNTRUSTED = ("CERTIFICATE_VERIFY_FAILED", "invalid peer certificate")
FULL = ("No space left on device", "Disk quota exceeded")
# What the steps inherit: as long as one of them lives, even without this process, it is not another set-up's turn.
_held: List[int] = []


class SetupError(Exception):
    """What the user can mend, in one sentence."""


class Ended(BaseException):
    """A signal asked this process to end."""


def main() -> int:
    """Make the environment unless it is there; returns an exit code."""
    try:
        interpreter = suitable_python()
        if ready():
            return 0
        refuse_systems()
        with alone():
            if not ready():
                announce()
                require_disk()
                make(interpreter)
    except SetupError as error:
        sys.stderr.write("setup: %s\n" % error)
        return 1
    except OSError as error:
        sys.stderr.write("setup: %s\n" % _disk_error(error))
        return 1
    except (KeyboardInterrupt, Ended) as ended:
        sys.stderr.write("\nsetup: interrupted; the same command goes on where it stopped.\n")
        return 128 + (ended.args[0] if isinstance(ended, Ended) else signal.SIGINT)
    return 0


def end_on_signals() -> None:
    """Let SIGTERM and SIGHUP end the set-up as Ctrl-C does, with the step that is at work."""

    def end(number: int, frame: Any) -> None:
        raise Ended(number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        # Who started it with nohup wants it to go on.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)


def suitable_python() -> str:
    """Return a Python that the course supports: this one, else one on PATH."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return sys.executable
    for minor in (12, 11, 13):
        found = shutil.which("python3.%d" % minor)
        if found and _quiet([found, "-c", ""]) == 0:
            return found
    raise SetupError(
        "Python %s is not supported, and no python3.11, python3.12 or python3.13 is on PATH. Install one of them and repeat."
        % platform.python_version()
    )


def refuse_systems() -> None:
    """Refuse the systems on which the libraries do not exist."""
    if platform.system() == "Windows":
        raise SetupError(
            "Windows itself is not supported; use WSL2: `wsl --install -d Ubuntu-24.04`, then clone and run the course inside it."
        )
    if platform.system() == "Darwin" and platform.machine() == "x86_64":
        raise SetupError("Intel Macs have no current TensorFlow; open the course in its devcontainer or on Binder.")


def ready() -> bool:
    """Whether the environment is complete, made from this very lock for this very folder, and runs here."""
    return _stamp() == fingerprint() and not _fault()


def fingerprint() -> Dict[str, str]:
    """Return what the environment depends on: the lock, the folder (programs in it name their Python by path), the system."""
    with open(LOCK, "rb") as lock:
        # A checkout may have Windows' line endings.
        content = lock.read().replace(b"\r\n", b"\n")
    machine = "%s %s" % (platform.system(), platform.machine())
    return {"lock": hashlib.sha256(content).hexdigest(), "place": os.path.realpath(ROOT), "machine": machine}


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Hold this folder's turn; wait while another set-up, or a step that it left behind, has it."""
    import fcntl

    os.makedirs(os.path.dirname(TURN), exist_ok=True)
    with open(TURN, "w") as turn:
        try:
            fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("Another set-up works on this folder, or a step that it left behind; this one waits (Ctrl-C ends it).")
            fcntl.flock(turn, fcntl.LOCK_EX)
        except OSError as error:
            # A shared home without locks.
            _say("  no locks on this disk (%s): start no second set-up before this one has ended" % error.strerror)
        _held[:] = [turn.fileno()]
        try:
            yield
        finally:
            del _held[:]


def announce() -> None:
    """Say what will be downloaded and how long it takes, as measured."""
    size = _size()
    print(
        "Setting up the course in .venv: about %d MB to download, %.1f GB of disk, %d minutes on a fast line."
        % (size["download_mb"], size["disk_gb"], size["minutes"])
    )
    sys.stdout.flush()


def require_disk() -> None:
    """Refuse to begin what the disk can't hold."""
    needed = _size()["disk_gb"] + 1
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < needed and not os.path.exists(PYTHON):
        raise SetupError("%.1f GB of disk are free, %.0f are needed. Free some space and repeat." % (free, needed))


def make(interpreter: str) -> None:
    """Create the environment, install the lock and the package, byte-compile, and mark it as ready."""
    os.makedirs(os.path.dirname(LOG), exist_ok=True)
    open(LOG, "w").close()
    before = _stamp()
    fresh = _begin()
    try:
        _install(interpreter, fresh)
    except SetupError:
        if before and not fresh and _network_failed():
            # Nothing was changed: what served so far still does.
            _finish(before)
        raise
    _quiet([PYTHON, "-m", "compileall", "-q", os.path.join(ROOT, "labsupport")])
    fault = _fault()
    if fault:
        raise SetupError("all steps went well, but %s. %s" % (fault, _delete()))
    _finish(fingerprint())
    _say("Ready.")


def _install(interpreter: str, fresh: bool) -> None:
    if fresh:
        _step("1/4 environment", [interpreter, "-m", "venv", VENV], inheritance.inherited())
    environment = dict(indexes.for_installer(PYTHON), PYTHONDONTWRITEBYTECODE="")
    install = [_uv(environment), "pip", "install", "--python", PYTHON, "--compile-bytecode"]
    if not install[0]:
        _say("    uv is not to be had here; pip does it, more slowly")
        install = [PYTHON, "-m", "pip", "install"]
    _step("3/4 libraries", install + ["-r", LOCK], environment)
    _step("4/4 course", install + ["--no-deps", "--no-build-isolation", "-e", ROOT], environment)


def _finish(stamp: Dict[str, str]) -> None:
    with open(STAMP + ".new", "w") as file:
        json.dump(stamp, file)
    os.replace(STAMP + ".new", STAMP)
    if os.path.exists(BEGUN):
        os.remove(BEGUN)


def _begin() -> bool:
    """Mark the environment as begun, with nothing in it that can't be trusted; returns whether it must be created."""
    ours, why, stamp = os.path.exists(BEGUN), "", _stamp()
    if not os.path.lexists(VENV) or (os.path.isdir(VENV) and not os.listdir(VENV)):
        why = "new"
    elif ours:
        why = "a set-up was interrupted"
    elif stamp:
        ours, why = True, _moved(stamp) or _fault() or ""
    else:
        # Somebody made it by hand: it is filled, but it is not ours to delete.
        fault = _fault(package=False) or (
            "" if _quiet([PYTHON, "-m", "pip", "--version"]) == 0 else "its pip does not run"
        )
        if fault:
            raise SetupError("the environment in .venv can't be used: %s. %s" % (fault, _delete()))
        return False
    if why and ours:
        _say("The environment in .venv is made again: %s." % why)
        _clear()
    os.makedirs(VENV, exist_ok=True)
    open(BEGUN, "w").close()
    if os.path.exists(STAMP):
        os.remove(STAMP)
    return bool(why)


def _moved(stamp: Dict[str, str]) -> str:
    here = fingerprint()
    for name, sentence in (("place", "it belongs to the course in %s"), ("machine", "it was made on %s")):
        if stamp.get(name) != here[name]:
            return sentence % stamp.get(name, "another folder")
    return ""


def _fault(package: bool = True) -> str:
    """Say what is wrong with the environment's Python, or with the package that it finds; "" when nothing is."""
    ask = "import sys; print(sys.version_info[0], sys.version_info[1])"
    if package:
        ask += "; import labsupport; print(labsupport.__file__)"
    try:
        said = subprocess.check_output(
            [PYTHON, "-I", "-c", ask], stderr=subprocess.DEVNULL, env=inheritance.inherited(), cwd=VENV
        )
    except (OSError, subprocess.CalledProcessError):
        return "its Python does not run here, or does not find the course"
    lines = said.decode("utf-8", "replace").splitlines()
    if not OLDEST <= tuple(map(int, lines[0].split())) <= NEWEST:
        return "its Python %s is not supported" % lines[0].replace(" ", ".")
    if package and os.path.realpath(os.path.dirname(lines[1])) != os.path.realpath(os.path.join(ROOT, "labsupport")):
        return "it runs the course in %s" % os.path.dirname(os.path.dirname(lines[1]))
    return ""


def _stamp() -> Any:
    try:
        with open(STAMP) as stamp:
            return json.load(stamp)
    except OSError:
        return None
    except ValueError:
        # From a set-up that did not yet say where.
        return {"place": "another folder, or an older set-up"}


def _clear() -> None:
    """Empty the environment; the mark that it was begun goes last."""
    try:
        if os.path.islink(VENV):
            os.remove(VENV)
            return
        open(BEGUN, "w").close()
        for name in os.listdir(VENV):
            path = os.path.join(VENV, name)
            if path == BEGUN:
                continue
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.remove(path)
    except OSError as error:
        raise SetupError("%s can't be removed (%s). %s" % (error.filename, error.strerror, _delete())) from None


def _delete() -> str:
    return "Delete it and repeat: rm -r %s" % VENV


def _uv(environment: Dict[str, str]) -> str:
    """Return a uv that runs: the environment's own, installed by its pip, or else one on PATH; "" when there is none."""
    own = os.path.join(VENV, "bin", "uv")
    # What an interruption left of it looks installed to pip.
    again = ["--force-reinstall"] if os.path.exists(own) and _quiet([own, "--version"]) else []
    try:
        _step("2/4 installer", [PYTHON, "-m", "pip", "install", "-q", "uv"] + again, environment)
    except SetupError:
        for uv in (own, shutil.which("uv")):
            if uv and _quiet([uv, "--version"]) == 0:
                return uv
        if _network_failed() or "SOCKS" in _log():
            raise
        return ""
    return own


def _say(text: str) -> None:
    print(text)
    sys.stdout.flush()


def _size() -> Dict[str, float]:
    with open(SIZE) as file:
        size: Dict[str, float] = json.load(file)
    return size


def _step(name: str, command: List[str], environment: Dict[str, str]) -> None:
    _say("  " + name)
    with open(LOG, "ab") as log:
        log.write(("\n$ %s\n" % " ".join(command)).encode())
        log.flush()
        try:
            code = subprocess.call(command, stdout=log, stderr=log, env=environment, cwd=ROOT, pass_fds=_held)
        except OSError as error:
            raise SetupError("%s could not start: %s." % (command[0], error)) from None
    if code:
        raise SetupError(_diagnosis(name))


def _disk_full() -> str:
    return "the disk is full. Free %.0f GB and repeat; what is downloaded is kept." % (_size()["disk_gb"] + 1)


def _disk_error(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _disk_full()
    return "%s: %s. Check that the folder of the course is complete and yours." % (error.filename, error.strerror)


def _diagnosis(name: str) -> str:
    said = _log()
    if any(mark in said for mark in FULL):
        return _disk_full()
    if "ensurepip is not" in said or "No module named venv" in said or "No module named ensurepip" in said:
        return "this Python has no venv module. On Debian and Ubuntu: sudo apt install python3-venv; then repeat."
    if "SOCKS" in said:
        return "pip can't use a SOCKS proxy. Put uv on PATH, which can (https://docs.astral.sh/uv/), or set HTTPS_PROXY to an HTTP proxy; then repeat."
    if any(mark in said for mark in UNTRUSTED):
        return "the package index's certificate is not trusted here; a proxy that inspects TLS shows its own. Set PIP_CERT to the file of your company's authority and repeat; what is downloaded is kept."
    if _network_failed():
        return "the package index can't be reached. Check the network (behind a proxy: set HTTPS_PROXY) and repeat; what is downloaded is kept."
    last = [line for line in said.splitlines() if line.strip() and not line.startswith("$ ")][-3:]
    return "step %s failed: %s. The whole output is in %s." % (name, " / ".join(last), LOG)


def _network_failed() -> bool:
    return any(mark.lower() in _log().lower() for mark in NETWORK + UNTRUSTED)


def _log() -> str:
    with open(LOG, errors="replace") as log:
        return log.read()[-20000:]


def _quiet(command: List[str]) -> int:
    try:
        return subprocess.call(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=inheritance.inherited()
        )
    except OSError:
        return 1


if __name__ == "__main__":
    end_on_signals()
    sys.exit(main())
