"""An S3-compatible store on this machine for as long as it is looked at: SeaweedFS, one program, in a temporary folder."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from labsupport import ports, variables
from labsupport.errors import LabsError

START_TIMEOUT_S = 60.0
HOST = "127.0.0.1"
# Of the program's parts, each named, so that none of them takes its usual port.
PARTS = (
    "s3.port", "s3.port.grpc", "s3.port.iceberg", "s3.port.lance", "filer.port", "filer.port.grpc", "master.port",
    "master.port.grpc", "volume.port", "volume.port.grpc",
)  # fmt: skip
# What S3's clients know the store by; it is gone with the store.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "course", "AWS_SECRET_ACCESS_KEY": "course-secret"}


def missing() -> str | None:
    """Return a sentence where this system has no SeaweedFS, and None where it has."""
    if _weed():
        return None
    return (
        "the S3-compatible store is SeaweedFS's program weed, which comes with the course on Linux (x86_64) only. "
        "Elsewhere install seaweedfs, so that `weed version` answers, and run this again."
    )


@contextlib.contextmanager
def running(*buckets: str) -> Iterator[str]:
    """Run a store with these empty buckets, on loopback, and yield its URL.

    It knows one user, who may everything (`CREDENTIALS`). Raises LabsError, with its last words, when it does not start. It ends
    with the block, and with this process, however that ends.
    """
    program = _weed()
    if program is None:
        raise LabsError(f"Not started: {missing()}")
    with tempfile.TemporaryDirectory(prefix="labs-s3-") as work, contextlib.ExitStack() as stack:
        folder = Path(work)
        listening: dict[str, int] = {}
        for part in PARTS:
            listening[part] = ports.free(listening.values())
        stack.callback(_sweep, listening.values())
        with (folder / "weed.log").open("wb") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "labsupport.lifeline", work, program, *_arguments(folder, listening)],
                env=variables.for_program(),
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=said,
                cwd=folder,
                start_new_session=True,
            )
        stack.callback(_end, process)
        url = f"http://{HOST}:{listening['s3.port']}"
        _make(buckets, url, process, folder / "weed.log")
        yield url


def _weed() -> str | None:
    return shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")


def _arguments(folder: Path, listening: dict[str, int]) -> list[str]:
    rights = ["Admin", "Read", "Write", "List", "Tagging"]
    user = {"accessKey": CREDENTIALS["AWS_ACCESS_KEY_ID"], "secretKey": CREDENTIALS["AWS_SECRET_ACCESS_KEY"]}
    (folder / "s3.json").write_text(
        json.dumps({"identities": [{"name": "course", "credentials": [user], "actions": rights}]})
    )
    return [
        f"-logdir={folder}", "server", f"-dir={folder}", "-s3", f"-s3.config={folder / 's3.json'}", f"-ip={HOST}", f"-ip.bind={HOST}",
        # Small volumes: a large one would want a gigabyte of disk for a bucket.
        "-master.volumeSizeLimitMB=32", "-volume.max=16", "-master.telemetry=false",
        *(f"-{part}={port}" for part, port in listening.items()),
    ]  # fmt: skip


def _make(buckets: tuple[str, ...], url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Make the buckets as soon as the store answers."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    client = boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"total_max_attempts": 1}, proxies={}, connect_timeout=5, read_timeout=10),
    )
    deadline = time.monotonic() + START_TIMEOUT_S
    for bucket in buckets:
        while True:
            try:
                client.create_bucket(Bucket=bucket)
                break
            except (BotoCoreError, ClientError) as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    words = log.read_text(errors="replace").strip()[-500:]
                    raise LabsError(f"The S3-compatible store did not start ({error}): {words}") from None
            time.sleep(0.2)


def _sweep(ports: Iterable[int]) -> None:
    """Delete the sockets that `weed` puts into /tmp, beside each of its ports, and leaves there."""
    for port in ports:
        for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
            left.unlink(missing_ok=True)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the program and all that it has started: `weed` may be a script whose program needs a moment longer than it."""
    for number, patience in ((signal.SIGTERM, 20.0), (signal.SIGKILL, 5.0)):
        deadline = time.monotonic() + patience
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
            while time.monotonic() < deadline:
                process.poll()
                os.killpg(process.pid, 0)
                time.sleep(0.02)
            continue
        break
    process.wait()
    assert process.stdin is not None
    process.stdin.close()
