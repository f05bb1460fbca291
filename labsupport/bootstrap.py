"""Set up the course on a fresh machine: `python3 labsupport/bootstrap.py` makes .venv from requirements/main.txt.

It needs only Python and its standard library, and it must still be readable to an old Python, which it then refuses.
A second call does nothing. What is printed about size and time comes from requirements/size.json (benchmarks/setup.py).
"""

import errno
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
LOCK = os.path.join(ROOT, "requirements", "main.txt")
SIZE = os.path.join(ROOT, "requirements", "size.json")
LOG = os.path.join(ROOT, "build", "setup.log")
STAMP = os.path.join(VENV, "labs-ready")
PYTHON = os.path.join(VENV, "bin", "python")
OLDEST, NEWEST = (3, 11), (3, 13)

NETWORK = ("dns error", "name resolution", "Failed to establish", "error sending request", "Connection refused", "Network is unreachable",
           "Could not connect", "client error (Connect)", "No matching distribution found for uv", "timed out", "ReadTimeout", "ProxyError")  # fmt: skip
FULL = ("No space left on device", "Disk quota exceeded")


class SetupError(Exception):
    """What the user can mend, in one sentence."""


def main():
    """Make the environment unless it is there; returns an exit code."""
    try:
        interpreter = suitable_python()
        if ready(interpreter):
            return 0
        refuse_systems()
        announce()
        require_disk()
        make(interpreter)
    except SetupError as error:
        sys.stderr.write("setup: %s\n" % error)
        return 1
    except OSError as error:
        sys.stderr.write("setup: %s\n" % _disk_error(error))
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nsetup: interrupted; the same command goes on where it stopped.\n")
        return 130
    return 0


def suitable_python():
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


def refuse_systems():
    """Refuse the systems on which the libraries do not exist."""
    if platform.system() == "Windows":
        raise SetupError(
            "Windows itself is not supported; use WSL2: `wsl --install`, then clone and run the course inside it."
        )
    if platform.system() == "Darwin" and platform.machine() == "x86_64":
        raise SetupError("Intel Macs have no current TensorFlow; open the course in its devcontainer or on Binder.")


def fingerprint(interpreter):
    """Return what the environment depends on: the lock and the Python version."""
    version = subprocess.check_output([interpreter, "-c", "import sys; print(sys.version_info[:2])"])
    with open(LOCK, "rb") as lock:
        return hashlib.sha256(lock.read() + version).hexdigest()


def ready(interpreter):
    """Whether the environment is complete and made from this very lock."""
    try:
        with open(STAMP) as stamp:
            return stamp.read() == fingerprint(interpreter) and os.path.exists(PYTHON)
    except OSError:
        return False


def announce():
    """Say what will be downloaded and how long it takes, as measured."""
    size = _size()
    print(
        "Setting up the course in .venv: about %d MB to download, %.1f GB of disk, %d minutes on a fast line."
        % (size["download_mb"], size["disk_gb"], size["minutes"])
    )
    sys.stdout.flush()


def require_disk():
    """Refuse to begin what the disk can't hold."""
    needed = _size()["disk_gb"] + 1
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < needed and not os.path.exists(PYTHON):
        raise SetupError("%.1f GB of disk are free, %.0f are needed. Free some space and repeat." % (free, needed))


def make(interpreter):
    """Create the environment, install the lock and the package, byte-compile, and mark it as ready."""
    os.makedirs(os.path.dirname(LOG), exist_ok=True)
    open(LOG, "w").close()
    if os.path.exists(STAMP):
        os.remove(STAMP)
    if not _same_version(interpreter):
        shutil.rmtree(VENV, ignore_errors=True)
        _step("1/4 environment", [interpreter, "-m", "venv", VENV])
    uv = [os.path.join(VENV, "bin", "uv"), "pip", "install", "--python", PYTHON, "--compile-bytecode"]
    try:
        _step("2/4 installer", [PYTHON, "-m", "pip", "install", "-q", "--disable-pip-version-check", "uv"])
    except SetupError:
        if not os.path.exists(uv[0]):
            if _network_failed():
                raise
            print("    uv is not to be had here; pip does it, more slowly")
            uv = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check"]
    _step("3/4 libraries", [*uv, "-r", LOCK])
    _step("4/4 course", [*uv, "--no-deps", "--no-build-isolation", "-e", ROOT])
    _quiet([PYTHON, "-m", "compileall", "-q", os.path.join(ROOT, "labsupport")])
    with open(STAMP, "w") as stamp:
        stamp.write(fingerprint(interpreter))
    print("Ready.")


def _size():
    with open(SIZE) as file:
        return json.load(file)


def _same_version(interpreter):
    if _quiet([PYTHON, "-c", "import pip"]) != 0:
        return False
    ask = "import sys; print(sys.version_info[:2])"
    return subprocess.check_output([PYTHON, "-c", ask]) == subprocess.check_output([interpreter, "-c", ask])


def _step(name, command):
    print("  " + name)
    sys.stdout.flush()
    environment = dict(os.environ, UV_PYTHON_DOWNLOADS="never", PYTHONDONTWRITEBYTECODE="")
    environment.pop("VIRTUAL_ENV", None)
    with open(LOG, "ab") as log:
        log.write(("\n$ %s\n" % " ".join(command)).encode())
        log.flush()
        try:
            code = subprocess.call(command, stdout=log, stderr=log, env=environment, cwd=ROOT)
        except OSError as error:
            raise SetupError("%s could not start: %s." % (command[0], error)) from None
    if code:
        raise SetupError(_diagnosis(name))


def _disk_full():
    return "the disk is full. Free %.0f GB and repeat; what is downloaded is kept." % (_size()["disk_gb"] + 1)


def _disk_error(error):
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _disk_full()
    return "%s: %s. Check that the folder of the course is complete and yours." % (error.filename, error.strerror)


def _diagnosis(name):
    said = _log()
    if any(mark in said for mark in FULL):
        return _disk_full()
    if "ensurepip is not" in said or "No module named venv" in said or "No module named ensurepip" in said:
        return "this Python has no venv module. On Debian and Ubuntu: sudo apt install python3-venv; then repeat."
    if _network_failed():
        return "the package index can't be reached. Check the network (behind a proxy: set HTTPS_PROXY) and repeat; what is downloaded is kept."
    last = [line for line in said.splitlines() if line.strip() and not line.startswith("$ ")][-3:]
    return "step %s failed: %s. The whole output is in %s." % (name, " / ".join(last), LOG)


def _network_failed():
    return any(mark.lower() in _log().lower() for mark in NETWORK)


def _log():
    with open(LOG, errors="replace") as log:
        return log.read()[-20000:]


def _quiet(command):
    try:
        return subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError:
        return 1


if __name__ == "__main__":
    sys.exit(main())
