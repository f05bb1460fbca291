"""Traces by OpenTelemetry: where spans go, how a trace crosses HTTP, and a waterfall of one.

Source: W3C Trace Context (the header `traceparent`: version, trace id, span id, flags), and the OTLP/HTTP protocol.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import Sampler
from opentelemetry.trace import Span, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_HEADERS = TraceContextTextMapPropagator()
# MLflow wants to know the experiment; 0 is the one that each server has.
EXPERIMENT_HEADER = "x-mlflow-experiment-id"
EXPORT_EVERY_MS = 1000


def tracer(service: str, endpoint: str, experiment: str = "0") -> Tracer:
    """Return a tracer whose spans go to an OTLP endpoint (http://mlflow:5000/v1/traces), from a thread of its own.

    A span is kept if its parent was sampled, or has none. What can't be delivered is dropped, with a word in the log.
    """
    return provider(service, endpoint, experiment).get_tracer("labsupport")


def provider(service: str, endpoint: str, experiment: str = "0", sampler: Sampler | None = None) -> TracerProvider:
    """Return what makes tracers; `force_flush()` sends what waits, `shutdown()` ends it.

    `sampler`: which traces that begin here are kept (all, if not given).
    """
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    exporter = OTLPSpanExporter(endpoint=endpoint, headers={EXPERIMENT_HEADER: experiment}, timeout=10)
    made = TracerProvider(sampler=sampler, resource=Resource.create({"service.name": service}), shutdown_on_exit=True)
    made.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=EXPORT_EVERY_MS))
    return made


def parent_of(headers: Mapping[str, str]) -> Context:
    """Return the context that a request's `traceparent` names; an empty one without."""
    return _HEADERS.extract(dict(headers), Context())


def headers_of(context: Context) -> dict[str, str]:
    """Return the headers that carry a context to the next service."""
    headers: dict[str, str] = {}
    _HEADERS.inject(headers, context)
    return headers


def id_of(span: Span) -> str:
    """Return the id of a span's trace as 32 hexadecimal digits, as logs and headers write it."""
    return f"{span.get_span_context().trace_id:032x}"


@dataclass(frozen=True)
class Bar:
    """One span in a waterfall: begin and length in ms since the trace's begin, and its depth below the root."""

    name: str
    begin_ms: float
    length_ms: float
    depth: int


def bars(spans: Iterable[Any]) -> list[Bar]:
    """Return the spans of one trace (of MLflow) from the root down, children by their begin."""
    found = sorted(spans, key=lambda span: (span.start_time_ns, -span.end_time_ns))
    if not found:
        return []
    known = {span.span_id for span in found}
    origin = found[0].start_time_ns

    def below(parent: str | None, depth: int) -> Iterable[Bar]:
        for span in found:
            above = span.parent_id if span.parent_id in known else None
            if above == parent:
                length = (span.end_time_ns - span.start_time_ns) / 1e6
                yield Bar(span.name, (span.start_time_ns - origin) / 1e6, length, depth)
                yield from below(span.span_id, depth + 1)

    return list(below(None, 0))


def waterfall(axes: Any, rows: list[Bar], colors: Mapping[str, str], other: str) -> None:
    """Draw bars on axes, the root on top, each with its length; `colors` by name, `other` for the rest."""
    for at, bar in enumerate(rows):
        axes.barh(at, bar.length_ms, left=bar.begin_ms, height=0.6, color=colors.get(bar.name, other))
        axes.text(bar.begin_ms + bar.length_ms, at, f" {bar.length_ms:.1f} ms", va="center", fontsize=8)
    axes.margins(x=0.12)
    axes.set_yticks(range(len(rows)), ["  " * bar.depth + bar.name for bar in rows])
    axes.invert_yaxis()


__all__ = ["Bar", "bars", "headers_of", "id_of", "parent_of", "provider", "tracer", "waterfall"]
