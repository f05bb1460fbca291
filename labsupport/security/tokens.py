"""The tokens that open a server's door: files of a folder, such as a mounted Secret, looked at again while the server runs.

A file's name is a client and a number, `dashboard.2`; its content is the token. A client may have several at a time: that is how
a token is replaced by another without a moment in which neither, or only the one that somebody does not have yet, is valid.
"""

import hashlib
import hmac
import logging
import secrets
import time
from collections.abc import Callable
from pathlib import Path

SHORTEST = 32
LOOK_S = 1.0
log = logging.getLogger(__name__)


class TokenError(ValueError):
    """The folder's tokens can't be used; the text says which one, and never what it is."""


def new_token() -> str:
    """Return a fresh token of 43 characters: 32 random bytes."""
    return secrets.token_urlsafe(32)


class Tokens:
    """The tokens of a folder. `names`: those that are valid now."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Read the folder; raises TokenError. Without any token nobody enters."""
        self._folder, self._clock = folder, clock
        self._digests: dict[str, bytes] = {}
        self._take(self._read())
        self._next = clock() + LOOK_S

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._digests)

    def refresh(self) -> None:
        """Read the folder again when a second has passed since the last time; one that can't be read changes nothing."""
        if self._clock() < self._next:
            return
        self._next = self._clock() + LOOK_S
        try:
            found = self._read()
        except TokenError as error:
            log.error("the tokens stay as they are: %s", error)
            return
        if found != self._digests:
            self._take(found)

    def name_of(self, token: bytes) -> str | None:
        """Return the name of the token, or None. It takes as long for a token that is nearly right as for any other."""
        digest, name = hashlib.sha256(token).digest(), None
        for candidate, known in self._digests.items():
            # All of them, always: an early end would tell which one it was.
            if hmac.compare_digest(digest, known):
                name = candidate
        return name

    def _take(self, found: dict[str, bytes]) -> None:
        self._digests = found
        log.info("tokens valid now: %s", ", ".join(found) or "none")

    def _read(self) -> dict[str, bytes]:
        found = {}
        try:
            for path in sorted(self._folder.iterdir()):
                # A mounted Secret keeps its versions in folders whose names begin with two dots.
                if path.name.startswith(".") or not path.is_file():
                    continue
                token = path.read_bytes().strip()
                if len(token) < SHORTEST:
                    raise TokenError(f"the token {path.name} has fewer than {SHORTEST} characters: it could be guessed")
                found[path.name] = hashlib.sha256(token).digest()
        except OSError as error:
            raise TokenError(f"the tokens in {self._folder} can't be read: {error}") from None
        return found


def client_of(name: str) -> str:
    """Return the client that a token's name stands for: `dashboard.2` is one of `dashboard`."""
    return name.partition(".")[0]
