"""A load from inside the cluster, watched from outside: the pod `load` sends, and each round's result comes back at once.

From inside, because a port forward holds on to one pod and ends with it; a Service does not.
"""

import itertools
import json
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from labsupport.cluster.lab import Lab
from labsupport.errors import LabsError

POD = "load"
PATIENCE_S = 60


@dataclass(frozen=True)
class Sent:
    """One round: `second` of its end since the begin, good answers a second (`per_s`), `good` answers, `failed` ones
    (another status than 200, or none), `refused` connections, the latency's 99 % quantile, the last answer's `body`."""

    second: float
    per_s: float
    good: int
    failed: int
    refused: int
    p99_ms: float | None
    body: str


class Sender:
    """Requests from the pod `load` of a lab to a Service, as long as the `with` block lasts or for so many `seconds`.

    Iterate over it to see the rounds as they come; afterwards they are in `sent`.
    """

    def __init__(
        self,
        lab: Lab,
        url: str,
        body: Any,
        *,
        clients: int = 8,
        seconds: float = 0,
        think: float = 0,
        token_file: str = "",
    ) -> None:
        """`url`: http://SERVICE:PORT/PATH, `body`: what is sent each time, as JSON; `think`: seconds that a client waits
        from an answer to its next request; `token_file`: a file in the pod that holds a token to send."""
        self.sent: list[Sent] = []
        self._lab, self._more, self._over = lab, threading.Condition(), False
        self._command = (
            "exec", "-i", "-n", lab.namespace, POD, "--", "python", "-m", "labsupport.apps.load", url,
            "--body", json.dumps(body), "--clients", str(clients), "--seconds", str(seconds), "--think", str(think),
            *(("--token-file", token_file) if token_file else ()),
        )  # fmt: skip

    def __enter__(self) -> Self:
        self._process = self._lab.cluster.start_kubectl(*self._command, stdin=subprocess.PIPE)
        try:
            self._reading = threading.Thread(target=self._read, daemon=True)
            self._reading.start()
            # What follows is to happen under load, not while the program starts.
            next(iter(self))
        except BaseException:
            # A block that is not entered is not left either.
            self._process.kill()
            self._process.wait()
            raise
        return self

    def __exit__(self, *details: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._reading.join(PATIENCE_S)
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __iter__(self) -> Iterator[Sent]:
        for at in itertools.count():
            if not self._has(at):
                break
            yield self.sent[at]
        if not self.sent:
            raise LabsError(f"The pod {POD} sent nothing: {self._said()} Look: kubectl describe pod {POD}")

    @property
    def ended(self) -> bool:
        """Whether the program in the pod has ended well."""
        return self._process.poll() == 0

    @property
    def good(self) -> int:
        """How many requests got a good answer."""
        return sum(one.good for one in self.sent)

    @property
    def failed(self) -> int:
        """How many requests got another answer, or none."""
        return sum(one.failed for one in self.sent)

    def _has(self, at: int) -> bool:
        """Wait for the round of this number; return False when it will never come."""
        with self._more:
            self._more.wait_for(lambda: len(self.sent) > at or self._over, PATIENCE_S)
        return len(self.sent) > at

    def _read(self) -> None:
        assert self._process.stdout is not None
        try:
            for line in self._process.stdout:
                with self._more:
                    self.sent.append(Sent(**json.loads(line)))
                    self._more.notify_all()
        finally:
            with self._more:
                self._over = True
                self._more.notify_all()

    def _said(self) -> str:
        self._process.kill()
        assert self._process.stderr is not None
        return self._process.stderr.read().decode(errors="replace").strip()[-500:] or "no answer."
