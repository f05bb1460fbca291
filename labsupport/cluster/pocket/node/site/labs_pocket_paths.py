"""Let Python in a pod find its volumes under the paths of its manifest."""

# No pathlib: it would slow down the start of every Python in a pod.
import builtins
import functools
import io
import json
import os
from collections.abc import Callable
from typing import Any

_FOLDER = os.environ["LABS_POCKET_FOLDER"]
_MOUNTS = sorted(json.loads(os.environ["LABS_POCKET_MOUNTS"]).items(), key=lambda mount: -len(mount[0]))
_ONE_PATH = (
    "open stat lstat listdir scandir mkdir remove unlink access chmod chown readlink rmdir utime statvfs chdir truncate"
)
_TWO_PATHS = "rename replace link symlink"


def install() -> None:
    """Replace the functions through which Python reaches files."""
    for number, names in ((1, _ONE_PATH), (2, _TWO_PATHS)):
        for name in names.split():
            setattr(os, name, _mapped(getattr(os, name), number))
    builtins.open = io.open = _mapped(open, 1)
    # os.walk and others ask for these sets whether a function takes a descriptor.
    for functions in (os.supports_fd, os.supports_dir_fd, os.supports_follow_symlinks, os.supports_effective_ids):
        functions |= {getattr(os, function.__name__) for function in functions}


def real(path: Any) -> Any:
    """Return where a path under a mountPath lies on this machine; other paths, descriptors and so on as they are."""
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else path
    if isinstance(text, str) and not text.startswith(_FOLDER):
        for mount, place in _MOUNTS:
            if text == mount or text.startswith(f"{mount}/"):
                return place + text[len(mount) :]
    return path


def _mapped(function: Callable[..., Any], paths: int) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*arguments: Any, **options: Any) -> Any:
        return function(*(real(word) for word in arguments[:paths]), *arguments[paths:], **options)

    return wrapper
