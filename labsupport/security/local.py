"""A server on this machine's own address, in a thread of this process, for as long as a block lasts."""

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

from labsupport.errors import LabsError

PATIENCE_S = 30


@contextlib.contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve an ASGI application on a free port of 127.0.0.1 and yield its URL. Raises LabsError when it does not start."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    begin = time.monotonic()
    while not server.started:
        if not thread.is_alive() or time.monotonic() - begin > PATIENCE_S:
            raise LabsError("The server in this process did not start.")
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)
