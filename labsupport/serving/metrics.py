"""What the server tells Prometheus: how requests end and how long they take, batches, the queue, versions, reloads."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from labsupport.monitoring.observed import Metrics

# Upper edges in seconds: dense below a millisecond, where this server answers, up to what a client waits for.
LATENCY_BUCKETS_S = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class ServerMetrics:
    """The server's metrics in a registry of their own. No label's value is a client's: their number is bounded.

    `predictions`: the two metrics of lesson 202, by model, version and outcome (ok, invalid, too_large, busy, error).
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.predictions = Metrics(self.registry, LATENCY_BUCKETS_S)
        self.batch_rows = Histogram(
            "model_batch_rows", "Rows computed in one call of the model.", buckets=(1, 2, 4, 8, 16, 32, 64, 128),
            registry=self.registry,
        )  # fmt: skip
        self.waiting = Gauge("model_requests_waiting", "Requests in the queue.", registry=self.registry)
        self.reloads = Counter(
            "model_reloads",
            "Versions loaded after the first, and attempts that failed.",
            ["outcome"],
            registry=self.registry,
        )
        self.reload_failing = Gauge(
            "model_reload_failing", "1 while the version that should be served can't be had.", registry=self.registry
        )
        self._serving = Gauge(
            "model_serving", "1 for the version that answers.", ["model", "version"], registry=self.registry
        )
        for outcome in ("ok", "failed"):
            self.reloads.labels(outcome)
        self._first = True

    def serving(self, model: str, version: str) -> None:
        """Tell which version answers from now on."""
        self._serving.clear()
        self._serving.labels(model, version).set(1)
        if not self._first:
            self.reloads.labels("ok").inc()
        self._first = False

    def page(self) -> bytes:
        """Return the text that Prometheus reads."""
        return generate_latest(self.registry)
