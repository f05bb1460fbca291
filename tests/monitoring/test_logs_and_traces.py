"""Lines of JSON that can be read back, ids that cross HTTP, and the order of a trace's spans."""

import io
from types import SimpleNamespace

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import get_current_span, set_span_in_context

from labsupport.monitoring import logs, traces


def test_a_line_is_read_back_and_what_is_no_object_is_left_out() -> None:
    stream = io.StringIO()
    logs.line("request", level="error", stream=stream, trace_id="ab", status=500)
    (read,) = logs.read("Traceback (most recent call last):\n" + stream.getvalue() + "42\n")
    assert (read["event"], read["level"], read["trace_id"], read["status"]) == ("request", "error", "ab", 500)


def test_a_traces_id_crosses_http() -> None:
    span = TracerProvider().get_tracer("test").start_span("ask")
    headers = traces.headers_of(set_span_in_context(span))
    there = get_current_span(traces.parent_of(headers)).get_span_context()
    assert f"{there.trace_id:032x}" == traces.id_of(span) and there.is_remote


def test_without_a_header_there_is_no_parent() -> None:
    assert not get_current_span(traces.parent_of({})).get_span_context().is_valid


def span(name: str, at: int, end: int, parent: str | None) -> SimpleNamespace:
    return SimpleNamespace(name=name, span_id=name, parent_id=parent, start_time_ns=at * 10**6, end_time_ns=end * 10**6)


def test_spans_stand_below_their_parents_in_the_order_of_their_begins() -> None:
    found = [
        span("model", 5, 9, "request"),
        span("request", 2, 10, "ask"),
        span("queue", 3, 5, "request"),
        span("ask", 1, 12, None),
    ]
    assert [(bar.name, bar.depth) for bar in traces.bars(found)] == [
        ("ask", 0),
        ("request", 1),
        ("queue", 2),
        ("model", 2),
    ]
    assert traces.bars(found)[3].begin_ms == 4 and traces.bars(found)[3].length_ms == 4


def test_a_span_whose_parent_is_missing_is_a_root() -> None:
    assert [bar.depth for bar in traces.bars([span("request", 2, 10, "somebody's")])] == [0]
    assert traces.bars([]) == []
