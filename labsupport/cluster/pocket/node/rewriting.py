"""Replace what a mount or network namespace would give a container: paths under a mountPath, and 0.0.0.0."""

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from labsupport.cluster.pocket.layout import to_loopback

_REPORTED = re.compile(r"(?<![\d.])198\.18(?:\.\d{1,3}){2}(?![\d.])")
ANY_ADDRESS = "0.0.0.0"
# A path begins where no longer word could: `/data` is no part of `/var/data`, `s3://x/data` or `a.data`; but file:///data
# and sqlite:////data name it.
_BEFORE, _AFTER = r"(?:(?<![\w./-])|(?<=://)|(?<=:///))", r"(?=/|$|[\s'\":;,)\]}=&|>])"


def rewrite(text: str, mounts: Mapping[str, Path], loopback: str) -> str:
    """Return `text` with each path under a mountPath on the machine's own path, and 0.0.0.0 as the pod's address."""
    pattern = _pattern(tuple(sorted(mounts, key=len, reverse=True)))

    def real(found: re.Match[str]) -> str:
        word = found[0]
        return loopback if word == ANY_ADDRESS else str(mounts[word]).rstrip("/")

    # One pass: what was put in is never looked at again, though it may itself begin with a mountPath such as /tmp.
    return pattern.sub(real, text)


def with_twins(text: str) -> str:
    """Return `text` with pods' addresses as those on which they listen, for programs that are told where to listen."""
    return _REPORTED.sub(lambda found: to_loopback(found[0]), text)


def in_values(variables: Mapping[str, str], mounts: Mapping[str, Path], loopback: str) -> dict[str, str]:
    """Return environment variables with their values rewritten."""
    return {name: rewrite(value, mounts, loopback) for name, value in variables.items()}


@lru_cache(maxsize=256)
def _pattern(paths: tuple[str, ...]) -> re.Pattern[str]:
    words = "|".join(re.escape(path) for path in paths if path != "/")
    folders = rf"{_BEFORE}(?:{words}){_AFTER}|" if words else ""
    return re.compile(rf"{folders}(?<![\d.]){re.escape(ANY_ADDRESS)}(?![\d.])")
