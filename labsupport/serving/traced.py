"""The model server that tells of single requests: spans from its door through queue and batch, and lines of JSON."""

import time
from collections.abc import MutableMapping
from typing import Any

from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, set_span_in_context

from labsupport.monitoring import logs, traces
from labsupport.serving.app import App
from labsupport.serving.batching import STAGES, Stages


class TracedApp(App):
    """An App that writes a log line for each request with a trace id, and spans for those that its client sampled.

    Requests without a `traceparent` cost nothing more. `tracer`: from `labsupport.monitoring.traces`.
    """

    def __init__(self, *arguments: Any, tracer: Tracer, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._tracer = tracer

    async def _timed(self, answer: Any, served: Any, scope: Any, receive: Any, send: Any) -> None:
        """Answer as App does, and tell afterwards, when the client has its answer."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if "traceparent" not in headers:
            await super()._timed(answer, served, scope, receive, send)
            return
        statuses: list[int] = []

        async def sending(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
            await send(message)

        stages, begin = Stages(), time.time_ns()
        token = STAGES.set(stages)
        try:
            await super()._timed(answer, served, scope, receive, sending)
        finally:
            STAGES.reset(token)
            self._tell(headers, begin, stages, statuses[0] if statuses else 0, served.version)

    def _tell(self, headers: dict[str, str], begin: int, stages: Stages, status: int, version: str) -> None:
        end = time.time_ns()
        parent = traces.parent_of(headers)
        span = self._tracer.start_span("request", parent, SpanKind.SERVER, start_time=begin)
        span.set_attributes({"http.response.status_code": status, "model.version": version})
        if status >= 500:
            span.set_status(StatusCode.ERROR)
        if stages.queued_ns:
            taken, done = stages.taken_ns or end, stages.done_ns or end
            self._child(span, "read", begin, stages.queued_ns)
            self._child(span, "queue", stages.queued_ns, taken)
            batch = {"batch.requests": stages.requests, "batch.rows": stages.rows}
            self._child(span, "model", taken, done, batch)
            self._child(span, "answer", done, end)
        span.end(end)
        logs.line(
            "request",
            level="error" if status >= 500 else "info",
            trace_id=traces.id_of(span),
            status=status,
            milliseconds=round((end - begin) / 1e6, 3),
            version=version,
        )

    def _child(self, parent: Span, name: str, begin: int, end: int, attributes: dict[str, int] | None = None) -> None:
        child = self._tracer.start_span(name, set_span_in_context(parent), start_time=begin, attributes=attributes)
        child.end(max(begin, end))
