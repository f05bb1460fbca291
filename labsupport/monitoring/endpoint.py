"""The page that Prometheus reads: served over HTTP on this machine, scraped, and taken apart into samples."""

import http.client
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import NamedTuple, Self

from prometheus_client import REGISTRY, CollectorRegistry, start_http_server
from prometheus_client.parser import text_string_to_metric_families

HERE = "127.0.0.1"


class Endpoint:
    """A running HTTP server for the metrics of one registry, on this machine only and on a port that was free."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._server, self._thread = start_http_server(0, addr=HERE, registry=registry)
        self.port: int = self._server.server_port

    def close(self) -> None:
        """Stop the server and give the port back."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def serve(registry: CollectorRegistry = REGISTRY) -> Endpoint:
    """Start to serve a registry's metrics; `close` it, or use it in a `with`."""
    return Endpoint(registry)


def scrape(endpoint: Endpoint, timeout_s: float = 5.0) -> str:
    """Return the text at /metrics, by HTTP as Prometheus fetches it. Raises ConnectionError when nothing answers."""
    # No urllib: it would send even this request through a proxy that the environment names.
    connection = http.client.HTTPConnection(HERE, endpoint.port, timeout=timeout_s)
    try:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        text = answer.read().decode("utf-8")
    except (OSError, http.client.HTTPException) as error:
        raise ConnectionError("nothing answers at the metrics endpoint: was it closed? `serve` starts one") from error
    finally:
        connection.close()
    if answer.status != 200:
        raise ConnectionError(f"the metrics endpoint answered {answer.status}; expected 200")
    return text


class Sample(NamedTuple):
    """One line of the page: a name, its labels, and the value now."""

    name: str
    labels: dict[str, str]
    value: float


def samples(text: str) -> list[Sample]:
    """Take a page of metrics apart, one sample a line, without the `_created` lines that say when a series began."""
    found = [
        Sample(sample.name, dict(sample.labels), sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    ]
    return [sample for sample in found if not sample.name.endswith("_created")]


def total(page: Iterable[Sample], name: str, labels: Mapping[str, str] | None = None) -> float:
    """Return the sum of all samples of a name that have these labels; 0.0 when there is none."""
    return sum((sample.value for sample in _chosen(page, name, labels)), 0.0)


def bucket_counts(
    page: Iterable[Sample], histogram: str, labels: Mapping[str, str] | None = None
) -> list[tuple[float, float]]:
    """Return (upper edge, count up to it) of a histogram, in order, its series with these labels added up."""
    counts: dict[float, float] = {}
    for sample in _chosen(page, f"{histogram}_bucket", labels):
        edge = float(sample.labels["le"])
        counts[edge] = counts.get(edge, 0.0) + sample.value
    return sorted(counts.items())


def histogram_quantile(q: float, buckets: Iterable[tuple[float, float]]) -> float:
    """Return the quantile that Prometheus would read off a histogram: on a straight line within the bucket it falls into.

    `buckets`: (upper edge, count up to it) in order, the last edge infinite. In the last bucket nothing is known but its
    lower edge, which is the answer. NaN without observations. Raises ValueError for a q outside 0 to 1 or for buckets
    without the infinite edge. Source: Prometheus, promql/quantile.go.
    """
    if not 0 <= q <= 1:
        raise ValueError(f"a quantile is named by a share from 0 to 1, such as 0.95; got {q}")
    edges = sorted(buckets)
    if not edges or edges[-1][0] != float("inf"):
        raise ValueError('the last bucket of a histogram has the edge infinity, `le="+Inf"`')
    count = edges[-1][1]
    if count == 0 or len(edges) < 2:
        return float("nan")
    rank = q * count
    low, below = 0.0, 0.0
    for edge, up_to in edges[:-1]:
        if up_to >= rank and up_to > below:
            # An edge at or below 0 has no known lower end.
            return edge if edge <= 0 and below == 0 else low + (edge - low) * (rank - below) / (up_to - below)
        low, below = edge, up_to
    return low


def _chosen(page: Iterable[Sample], name: str, labels: Mapping[str, str] | None) -> list[Sample]:
    wanted = dict(labels or {}).items()
    return [sample for sample in page if sample.name == name and wanted <= sample.labels.items()]
