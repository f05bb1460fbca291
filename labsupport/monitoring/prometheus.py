"""Questions to a Prometheus server, by its HTTP API."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labsupport.errors import LabsError


class QueryError(ValueError):
    """Prometheus refuses a query; the text is its own."""


@dataclass(frozen=True)
class Series:
    """One answer: its labels, times in seconds since 1970, and the values at them."""

    labels: dict[str, str]
    times: NDArray[np.float64]
    values: NDArray[np.float64]


class Prometheus:
    """A Prometheus server at a URL. Each question raises LabsError where nobody answers, or somebody else."""

    def __init__(self, url: str) -> None:
        import httpx

        # No proxy: it is on this machine. A connection a question: a port-forward may have ended meanwhile.
        self._http = httpx.Client(
            base_url=url, trust_env=False, timeout=30, limits=httpx.Limits(max_keepalive_connections=0)
        )

    def now(self, query: str, at: float | None = None) -> list[Series]:
        """Return the answer at this moment, or at a time (s since 1970): one Series of one value each. Raises QueryError."""
        found = self._ask("query", query=query, **({} if at is None else {"time": at}))
        rows = [{"metric": {}, "value": found["result"]}] if found["resultType"] == "scalar" else found["result"]
        return [_series(row["metric"], [row["value"]]) for row in rows]

    def value(self, query: str, default: float = float("nan")) -> float:
        """Return the sum of the answer's values at this moment; `default` without any. Raises QueryError."""
        found = self.now(query)
        return float(sum(series.values[0] for series in found)) if found else default

    def over(self, query: str, begin: float, end: float, step: float = 1.0) -> list[Series]:
        """Return the answer from `begin` to `end` (seconds since 1970), each `step` seconds. Raises QueryError."""
        found = self._ask("query_range", query=query, start=begin, end=end, step=step)
        return [_series(row["metric"], row["values"]) for row in found["result"]]

    def get(self, path: str) -> Any:
        """Return the data of another question, such as /api/v1/alerts. Raises QueryError."""
        return self._answer(path)

    def _ask(self, kind: str, **parameters: Any) -> Any:
        return self._answer(f"/api/v1/{kind}", **parameters)

    def _answer(self, path: str, **parameters: Any) -> Any:
        import httpx

        try:
            said = self._http.get(path, params=parameters or None).json()
        except (httpx.HTTPError, ValueError) as error:
            # A gateway in front of it answers by a page.
            cause = f"{type(error).__name__}: {error}"
            raise LabsError(
                f"Prometheus gives no answer ({cause:.120}). Is its pod ready? Ask again when it is."
            ) from None
        if said["status"] != "success":
            raise QueryError(said["error"])
        return said["data"]


def _series(labels: dict[str, str], pairs: list[list[Any]]) -> Series:
    times, values = zip(*pairs, strict=True)
    return Series(labels, np.array(times, float), np.array([float(value) for value in values]))
