"""Let Python in a pod find its volumes under the paths of its manifest."""

# No pathlib: it would slow down the start of every Python in a pod.
import builtins
import functools
import io
import json
import os
import sys
from collections.abc import Callable
from typing import Any

from labs_pocket_imports import after_import

# The cluster's own folder and this Python's files stay where they are, also when a volume is mounted above them.
_PACKAGE = os.path.abspath(os.path.join(os.path.dirname(__file__), *4 * [os.pardir]))  # noqa: PTH100, PTH118, PTH120
_KEPT = (os.environ["LABS_POCKET_FOLDER"], sys.prefix, sys.base_prefix, _PACKAGE)
_MOUNTS = sorted(json.loads(os.environ["LABS_POCKET_MOUNTS"]).items(), key=lambda mount: -len(mount[0]))
_ONE_PATH = (
    "open stat lstat listdir scandir mkdir remove unlink access chmod chown readlink rmdir utime statvfs chdir truncate"
    " listxattr getxattr setxattr removexattr mkfifo"
)
_TWO_PATHS = "rename replace link symlink"
_NAMED = ("path", "file", "src", "dst", "top", "cafile", "capath", "certfile", "keyfile", "database")


def install() -> None:
    """Replace the functions through which Python reaches files."""
    for number, names in ((1, _ONE_PATH), (2, _TWO_PATHS)):
        for name in names.split():
            setattr(os, name, _mapped(getattr(os, name), number))
    builtins.open = io.open = _mapped(open, 1)
    # os.walk and others ask for these sets whether a function takes a descriptor.
    for functions in (os.supports_fd, os.supports_dir_fd, os.supports_follow_symlinks, os.supports_effective_ids):
        functions |= {getattr(os, function.__name__) for function in functions}
    after_import("ssl", _patch_ssl)
    after_import("sqlite3", _patch_sqlite3)


def real(path: Any) -> Any:
    """Return where a path under a mountPath lies on this machine; other paths, descriptors and so on as they are."""
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else path
    if isinstance(text, str) and not text.startswith(_KEPT):
        for mount, place in _MOUNTS:
            if text == mount or text.startswith(f"{mount}/"):
                return place + text[len(mount) :]
    return path


def _mapped(function: Callable[..., Any], paths: int, before: int = 0) -> Callable[..., Any]:
    """Return a function whose arguments from `before` on are `paths` paths to translate; so are those given by name."""

    @functools.wraps(function)
    def wrapper(*arguments: Any, **options: Any) -> Any:
        end = before + paths
        named = {name: real(value) if name in _NAMED else value for name, value in options.items()}
        return function(*arguments[:before], *(real(word) for word in arguments[before:end]), *arguments[end:], **named)

    return wrapper


def _patch_ssl(ssl: Any) -> None:
    for name in ("load_verify_locations", "load_cert_chain"):
        setattr(ssl.SSLContext, name, _mapped(getattr(ssl.SSLContext, name), 2, before=1))


def _patch_sqlite3(sqlite3: Any) -> None:
    sqlite3.connect = sqlite3.dbapi2.connect = _mapped(sqlite3.connect, 1)
