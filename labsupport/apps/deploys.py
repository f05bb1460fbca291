"""Clients that ask about deploys, at an even rate: `python -m labsupport.apps.deploys http://deploy-risk:8080/predict`.

An open loop: a slow server does not make them ask less. One deploy in four is large (more than 40 files). Every request
carries a trace id; of one in `--sample`, the spans are kept. Their own metrics are at /metrics.
"""

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator
from typing import Any

from labsupport.apps import listening
from labsupport.errors import LabsError
from labsupport.monitoring import logs, traces

LABELS = ("outcome", "size", "author", "trace_id")
AUTHORS = 40
PATIENCE_S = 5.0
LARGE_EVERY = 4
# Requests under way at most; more would only pile up before a server that hangs.
MOST_UNDER_WAY = 64


def deploys(seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield an author and a deploy, for ever; every fourth deploy has 41 to 80 files, the others 1 to 20."""
    import numpy as np

    rng = np.random.default_rng(seed)
    number = 0
    while True:
        number += 1
        large = number % LARGE_EVERY == 0
        files = int(rng.integers(41, 81) if large else rng.integers(1, 21))
        yield (
            f"author-{int(rng.integers(AUTHORS))}",
            {
                "lines_changed": files * int(rng.integers(5, 40)), "files_changed": files,
                "author_deploys": int(rng.integers(0, 200)), "tests_failed_before": int(rng.integers(0, 3)),
                "coverage": round(float(rng.uniform(0.4, 0.95)), 2), "dependency_bump": bool(rng.random() < 0.2),
                "friday": bool(rng.random() < 0.2), "hour": round(float(rng.uniform(8, 20)), 1),
            },
        )  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Ask until SIGTERM or SIGINT comes; returns 0, or 1 with a sentence where /metrics can't be listened on."""
    parser = argparse.ArgumentParser(prog="python -m labsupport.apps.deploys", description="Ask about deploys.")
    parser.add_argument("url", help="where to POST, such as http://deploy-risk:8080/predict")
    parser.add_argument("--traces", required=True, metavar="URL", help="the OTLP endpoint for spans")
    parser.add_argument("--per-second", type=float, default=20.0, help="requests a second (20)")
    parser.add_argument("--sample", type=int, default=50, help="spans are kept of one request in so many (50)")
    parser.add_argument("--labels", default="outcome", help=f"labels of client_requests_total, of {','.join(LABELS)}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--host", default="127.0.0.1", help="where /metrics listens")
    parser.add_argument("--port", type=int, default=8086)
    options = parser.parse_args(arguments)
    labels = [name for name in options.labels.split(",") if name]
    if unknown := sorted(set(labels) - set(LABELS)):
        parser.error(f"there is no label {unknown[0]}; choose from {', '.join(LABELS)}")
    if options.sample < 1 or not options.per_second > 0:
        parser.error("--sample is at least 1, --per-second above 0")
    try:
        asyncio.run(_ask(options, labels))
    except LabsError as error:
        print(f"deploys: {error}", file=sys.stderr)
        return 1
    return 0


async def _ask(options: argparse.Namespace, labels: list[str]) -> None:
    import httpx
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
    from opentelemetry.trace import SpanKind, StatusCode, set_span_in_context
    from prometheus_client import CollectorRegistry, Counter, start_http_server

    registry = CollectorRegistry()
    counted = Counter("client_requests", "Requests by how they ended.", labels, registry=registry)
    try:
        start_http_server(options.port, addr=options.host, registry=registry)
    except (OSError, OverflowError) as error:
        raise listening.taken(options.host, options.port, error) from None
    kept = traces.provider("client", options.traces)
    # The same ids, but nobody keeps them: what a log line names and no trace shows.
    dropped = traces.provider("client", options.traces, sampler=ALWAYS_OFF)
    stop, room = asyncio.Event(), asyncio.Semaphore(MOST_UNDER_WAY)
    loop = asyncio.get_running_loop()
    for ending in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(ending, stop.set)

    async def one(number: int, author: str, deploy: dict[str, Any]) -> None:
        provider = kept if number % options.sample == 0 else dropped
        span = provider.get_tracer("labsupport").start_span("ask", kind=SpanKind.CLIENT)
        outcome = "lost"
        try:
            answer = await http.post(options.url, json=deploy, headers=traces.headers_of(set_span_in_context(span)))
            outcome = str(answer.status_code)
        except httpx.HTTPError as error:
            outcome = type(error).__name__
        finally:
            room.release()
            if outcome != "200":
                span.set_status(StatusCode.ERROR)
            span.end()
        size = "large" if deploy["files_changed"] > 40 else "small"
        known = {"outcome": outcome, "size": size, "author": author, "trace_id": traces.id_of(span)}
        (counted.labels(*(known[name] for name in labels)) if labels else counted).inc()
        if outcome != "200":
            logs.line("asked", level="error", outcome=outcome, size=size, trace_id=known["trace_id"])

    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_S) as http:
        under_way: set[asyncio.Task[None]] = set()
        begin = loop.time()
        for number, (author, deploy) in enumerate(deploys(options.seed)):
            wait = begin + number / options.per_second - loop.time()
            if wait > 0:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await stop.wait()
            if stop.is_set():
                break
            await room.acquire()
            task = asyncio.create_task(one(number, author, deploy))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        await asyncio.gather(*under_way, return_exceptions=True)
    kept.shutdown()


if __name__ == "__main__":
    raise SystemExit(main())
