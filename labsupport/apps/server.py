"""The model server as a program: `python -m labsupport.apps.server --model FOLDER --name deploy-risk`.

On SIGTERM, which Kubernetes sends before it ends a pod: readiness says no, requests are still answered for `--drain-seconds`
while the news travels to those who send them, what runs is finished, and the program ends with 0.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labsupport.apps.listening import taken
from labsupport.errors import LabsError
from labsupport.variables import THREADS

if TYPE_CHECKING:
    from labsupport.security.door import App as ASGI
    from labsupport.serving.app import App
    from labsupport.serving.models import Source

log = logging.getLogger("labsupport.apps.server")

# A request that was sent when its connection was taken has arrived after this.
UNDER_WAY_S = 0.2


def main(arguments: list[str] | None = None) -> int:
    """Serve until a signal comes; returns 0, or 1 with one sentence when the model or the port can't be had."""
    options = _parser().parse_args(arguments)
    # Before numpy loads: a second thread only fights for the processor of a small pod.
    os.environ.update(THREADS | {name: os.environ[name] for name in THREADS if name in os.environ})
    # One process: a folder in which several would add up their metrics, set for another program, is not for us.
    os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        listening = _bind(options.host, options.port)
        app = _app(options)
        door = _door(app, options)
    except LabsError as error:
        print(f"server: {error}", file=sys.stderr)
        return 1
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(app, door, listening, options.drain_seconds))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m labsupport.apps.server",
        description="Serve a model by the Open Inference Protocol, version 2, and to people at /predict.",
    )
    parser.add_argument(
        "--model", required=True, metavar="WHERE",
        help="a folder with model.onnx or with numbered folders of it, models:/name@alias on the server of MLFLOW_TRACKING_URI, "
        "or s3://bucket/models/name@alias in the store of STORE_URL",
    )  # fmt: skip
    parser.add_argument("--name", required=True, help="the name under which it is served")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--reload-seconds", type=float, default=5.0, help="how often to look for another version (5)")
    parser.add_argument("--drain-seconds", type=float, default=2.0, help="how long to answer after SIGTERM (2)")
    parser.add_argument(
        "--features", metavar="URL", help="the feature server, for a model that is asked by an entity's name"
    )
    parser.add_argument(
        "--watch", default="", metavar="NAMES", help="entities whose age the metrics tell, with commas between"
    )
    parser.add_argument("--max-age-seconds", type=float, help="refuse features that are older (default: none are)")
    parser.add_argument("--most-bytes", type=int, help="of a request's body (8 MiB)")
    parser.add_argument(
        "--trust", type=Path, metavar="FOLDER", help="load a model only if one of these public keys (*.pem) signed it"
    )
    parser.add_argument(
        "--tokens", type=Path, metavar="FOLDER", help="ask each request for a token: files, named like dashboard.1"
    )
    parser.add_argument("--rate", type=float, help="requests a second that a client with a token may send (no limit)")
    parser.add_argument("--burst", type=int, default=50, help="how many of them at once (50)")
    parser.add_argument(
        "--traces", metavar="URL",
        help="tell of requests that carry a trace id: spans to this OTLP endpoint, and a line of JSON each in the log",
    )  # fmt: skip
    return parser


def _bind(host: str, port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except (OSError, OverflowError) as error:
        raise taken(host, port, error) from None
    return listening


def _app(options: argparse.Namespace) -> "App":
    from labsupport.serving.app import MOST_BYTES, App
    from labsupport.serving.metrics import ServerMetrics
    from labsupport.serving.models import Model, source
    from labsupport.serving.session import ModelError

    metrics = ServerMetrics()
    try:
        model = Model(options.name, _signed(options) if options.trust else source(options.model), metrics)
    except ModelError as error:
        raise LabsError(f"{error}.") from None
    features = None
    if options.features:
        from labsupport.serving.online import FeatureServer

        watch = [name.strip() for name in options.watch.split(",") if name.strip()]
        features = FeatureServer(options.features, metrics.registry, watch=watch, max_age_s=options.max_age_seconds)
    most, reload_s = options.most_bytes or MOST_BYTES, options.reload_seconds
    if options.traces:
        from labsupport.monitoring import traces
        from labsupport.serving.traced import TracedApp

        tracer = traces.tracer("server", options.traces)
        return TracedApp(model, metrics, tracer=tracer, reload_s=reload_s, most_bytes=most, features=features)
    return App(model, metrics, reload_s=reload_s, most_bytes=most, features=features)


def _signed(options: argparse.Namespace) -> "Source":
    from labsupport.security.signed import SignedFolder

    if options.model.startswith("models:"):
        raise LabsError("--trust goes with a folder: what a registry gives out is not signed here.")
    return SignedFolder(Path(options.model), options.trust, options.name)


def _door(app: "App", options: argparse.Namespace) -> "ASGI":
    """Return what stands in front of the server: the server itself, where no token is asked for."""
    if options.tokens is None:
        if options.rate is not None:
            raise LabsError("--rate counts by client, which only a token tells: give --tokens, too.")
        return app
    from labsupport.security.door import Door
    from labsupport.security.limiter import Limiter
    from labsupport.security.tokens import TokenError, Tokens

    try:
        limiter = Limiter(options.rate, options.burst) if options.rate is not None else None
        return Door(app, Tokens(options.tokens), limiter, app.registry, app.most_bytes)
    except (TokenError, ValueError) as error:
        raise LabsError(f"{error}.") from None


async def _serve(app: "App", door: "ASGI", listening: socket.socket, drain_s: float) -> None:
    import uvicorn

    loop = asyncio.get_running_loop()

    class Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            """Leave the signals to us: uvicorn would refuse new connections at once, and end by the signal instead of by 0."""
            yield

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            """Take no more connections, answer what those that were made have under way, then do as uvicorn does."""
            waiting = listening.dup()
            for server in self.servers:
                server.close()
            # Connections that the system has made and nobody accepted yet would be reset when the last socket closes.
            made = list(_accepted(waiting))
            waiting.close()
            for connection in made:
                await loop.connect_accepted_socket(self._protocol, connection)
            await asyncio.sleep(UNDER_WAY_S)
            await super().shutdown(sockets)

        def _protocol(self) -> asyncio.Protocol:
            """Return what speaks HTTP on a connection, made as uvicorn makes it."""
            speaks: Any = self.config.http_protocol_class
            made: asyncio.Protocol = speaks(
                config=self.config, server_state=self.server_state, app_state=self.lifespan.state
            )
            return made

    server = Server(
        uvicorn.Config(
            door, log_config=None, log_level="warning", access_log=False, server_header=False, date_header=False,
            timeout_graceful_shutdown=20,
            http="httptools", ws="none",
        )
    )  # fmt: skip

    def end() -> None:
        if app.draining:
            server.should_exit = True
            return
        app.draining = True
        log.info("not ready any more: the end comes in %g s", drain_s)
        loop.call_later(drain_s, setattr, server, "should_exit", True)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    host, port = listening.getsockname()[:2]
    log.info("%s version %s is served at http://%s:%d", app.model.name, app.model.current.version, host, port)
    await server.serve(sockets=[listening])
    log.info("all requests are answered")


def _accepted(listening: socket.socket) -> Iterator[socket.socket]:
    listening.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            connection, _ = listening.accept()
            connection.setblocking(False)
            yield connection


if __name__ == "__main__":
    raise SystemExit(main())
