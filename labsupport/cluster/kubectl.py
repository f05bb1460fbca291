"""Find kubectl and run it against one cluster, with a time limit and without the machine's proxy."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from labsupport import findings, variables
from labsupport.errors import LabsError

TIME_LIMIT = 60.0


@dataclass(frozen=True)
class Result:
    """How kubectl ended: its exit code and what it wrote."""

    code: int
    output: str
    errors: str

    @property
    def ok(self) -> bool:
        return self.code == 0


@dataclass(frozen=True)
class Access:
    """How to reach a cluster: a context, and the kubeconfig that has it (None: the user's own)."""

    context: str
    kubeconfig: Path | None = None

    def options(self) -> list[str]:
        """Return the options that make kubectl talk to this cluster and to no other."""
        options = ["--context", self.context]
        if self.kubeconfig is not None:
            cache = self.kubeconfig.parent / "kubectl-cache"
            options += ["--kubeconfig", str(self.kubeconfig), "--cache-dir", str(cache)]
        return options


def find() -> str:
    """Return the path of kubectl: that of this Python environment, else the first on PATH. Raises LabsError."""
    own = Path(sys.executable).parent / "kubectl"
    found = str(own) if own.exists() else shutil.which("kubectl")
    if found is None:
        raise LabsError(f"No kubectl was found beside this Python or on PATH. Run: {how_to_install()}")
    return found


def how_to_install(anew: bool = False) -> str:
    """Return the command that installs a kubectl which fits; `anew`: also over a damaged one."""
    if sys.platform == "darwin":
        return f"brew {'reinstall' if anew else 'install'} kubectl"
    return findings.ANEW if anew else findings.INSTALL


def run(
    access: Access,
    *arguments: str,
    stdin: str | bytes | None = None,
    timeout: float = TIME_LIMIT,
    check: bool = True,
) -> Result:
    """Run `kubectl ARGUMENTS`. Raises LabsError when it fails (unless check=False) or takes longer than `timeout`."""
    command = [find(), *access.options(), *arguments]
    try:
        ended = subprocess.run(
            command,
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=timeout,
            env=variables.for_kubectl(),
        )
    except subprocess.TimeoutExpired as error:
        raise LabsError(
            f"`{_shown(arguments)}` did not end within {timeout:.0f} s. Look: labs cluster status"
        ) from error
    result = Result(ended.returncode, ended.stdout.decode(errors="replace"), ended.stderr.decode(errors="replace"))
    if check and not result.ok:
        said = result.errors.strip() or result.output.strip() or f"exit code {result.code}"
        raise LabsError(f"`{_shown(arguments)}` failed: {said}")
    return result


def start(access: Access, *arguments: str, **options: object) -> "subprocess.Popen[bytes]":
    """Start kubectl and return its process, for commands that stay (port-forward, logs -f); the caller ends it."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    command = [find(), *access.options(), *arguments]
    process: subprocess.Popen[bytes] = subprocess.Popen(command, env=variables.for_kubectl(), **pipes)  # type: ignore[call-overload]
    return process


def _shown(arguments: tuple[str, ...]) -> str:
    return " ".join(("kubectl", *arguments))[:200]
