"""Two minutes of load on the model server while its version changes again and again: no failed request, flat memory.

    python benchmarks/soak.py
    python benchmarks/soak.py --seconds 20

32 clients ask without a pause. Every second a new version is put into the folder, as an exporter does it; each fifth is
broken, and must leave the one before at work. Memory is the proportional set size, every tenth of the time. Exit code 1
when a request failed, when an answer was not that of a version, or when memory grew by more than 5 % after the first fifth.
"""

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import numpy as np
import psutil

from labsupport import ports, variables
from labsupport.serving import export, load

CLIENTS, EVERY_S, BROKEN, SAMPLES = 32, 1.0, 5, 10
MOST_GROWTH = 0.05
KEPT = 3


async def soak(
    folder: Path, url: str, process: psutil.Process, seconds: float, body: bytes
) -> tuple[load.Load, list, set]:
    """Load the server, change its version, sample its memory; return what came of it."""
    versions: set[str] = set()

    def answered(status: int, text: bytes) -> None:
        if status == 200:
            versions.add(json.loads(text)["model_version"])

    asking = asyncio.create_task(
        load.put(f"{url}/v2/models/risk/infer", body, clients=CLIENTS, seconds=seconds, answered=answered)
    )
    samples: list[tuple[float, float, int]] = []
    begin, number = time.monotonic(), 1
    while not asking.done():
        await asyncio.sleep(EVERY_S)
        number += 1
        put_version(folder, number)
        passed = time.monotonic() - begin
        if passed >= (len(samples) + 1) * seconds / SAMPLES:
            memory = process.memory_full_info()
            samples.append((passed, getattr(memory, "pss", memory.rss) / 1e6, len(versions)))
    return await asking, samples, versions


def put_version(folder: Path, number: int) -> None:
    """Let a folder with a new version appear at once; remove those that nobody needs any more."""
    made = folder / f"making-{number}"
    made.mkdir()
    if number % BROKEN:
        shutil.copy(folder / "1" / "model.onnx", made)
    else:
        (made / "model.onnx").write_bytes(b"half a model")
    made.rename(folder / str(number))
    old = folder / str(number - KEPT)
    if number - KEPT > 1:
        shutil.rmtree(old)


def make_model(folder: Path) -> None:
    from labsupport.ml import deploy_risk
    from labsupport.world import deploy_records

    export.export_deploy_risk(deploy_risk.train(seed=0, count=2_000), folder, deploy_records(2_000, seed=0)[0])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120.0)
    seconds = parser.parse_args().seconds
    body = json.dumps(
        {"inputs": [{"name": "X", "shape": [1, 8], "datatype": "FP32", "data": [2, 3, 1, 0, 0.5, 0, 0, 0]}]}
    ).encode()
    with tempfile.TemporaryDirectory(prefix="labs-soak-") as work:
        folder, port = Path(work), ports.free()
        make_model(folder / "1")
        command = [sys.executable, "-m", "labsupport.apps.server", "--model", work, "--name", "risk", "--port", str(port), "--reload-seconds", "0.2"]  # fmt: skip
        server = subprocess.Popen(command, env=variables.for_program(), stderr=subprocess.DEVNULL)
        url = f"http://127.0.0.1:{port}"
        try:
            while not ready(url):
                if server.poll() is not None:
                    print("soak: the server did not start", file=sys.stderr)
                    return 1
                time.sleep(0.05)
            came, samples, versions = asyncio.run(soak(folder, url, psutil.Process(server.pid), seconds, body))
            page = httpx.get(f"{url}/metrics").text
        finally:
            server.terminate()
            code = server.wait(30)
    print(f"{'seconds':>8}{'memory MB':>11}{'versions seen':>15}")
    for passed, memory, seen in samples:
        print(f"{passed:>8.0f}{memory:>11.1f}{seen:>15}")
    megabytes = np.array([memory for _, memory, _ in samples])
    growth = float(megabytes[-2:].mean() / megabytes[1:3].mean() - 1)
    reloads, failures = (count(page, f'model_reloads_total{{outcome="{outcome}"}}') for outcome in ("ok", "failed"))
    print(
        f"\n{sum(came.statuses.values())} requests, {came.failed} failed ({dict(came.statuses)}, {came.lost} lost), "
        f"{came.per_s:.0f} a second, p50 {came.quantile_ms(0.5):.2f} ms, p99 {came.quantile_ms(0.99):.2f} ms, "
        f"longest {came.quantile_ms(1):.0f} ms\n{reloads:.0f} reloads, {failures:.0f} refused attempts to load a broken version; "
        f"{len(versions)} versions answered; memory {growth:+.1%} from the second fifth to the last; exit code {code}"
    )
    broken_answered = [version for version in versions if int(version) > 1 and int(version) % BROKEN == 0]
    good = (
        not came.failed
        and not broken_answered
        and growth <= MOST_GROWTH
        and code == 0
        and len(versions) > 1
        and failures > 0
    )
    print("reached: no failed request, flat memory" if good else "MISSED: no failed request, flat memory")
    return int(not good)


def ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/v2/health/ready", trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def count(page: str, series: str) -> float:
    return float(page.split(series)[1].split()[0])


if __name__ == "__main__":
    raise SystemExit(main())
