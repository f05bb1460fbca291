"""What a whole Airflow costs before it does anything: API server, scheduler, DAG processor, on loopback; then one run.

    python benchmarks/airflow_start.py      # about two minutes; `labs env airflow` once

The run has five tasks that do nothing, one after the other. Beside it the lesson's DAG by `airflow dags test`, without any
of these. Processor seconds and memory (PSS where the system tells it) count all processes; wall seconds are those of the
machine as it is. Exit code 1 when the run does not succeed in time, or a port beside loopback is open.

November 2026, two shared cores: `dags test` 8.5 s of processor; the whole 529 MB in 5 processes and 9.6 s of processor until
all were healthy (15 s); the run of five empty tasks took 21 s.
"""

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import psutil

from labsupport import ports
from labsupport.data import airflow_runs
from labsupport.data import pipeline_steps as steps
from labsupport.data.deploy_contract import deliveries

PATIENCE_S = 300
FIVE = """
from airflow.sdk import dag, task

@dag(schedule=None)
def five():
    @task
    def one(before=None):
        return 1

    result = None
    for _ in range(5):
        result = one(result)

five()
"""


def main() -> int:
    """Measure, and print the result as JSON."""
    with tempfile.TemporaryDirectory(prefix="labs-airflow-bench-") as name:
        work = Path(name)
        (day, *_) = steps.lay_out(work / "deploys", deliveries(16, seed=0))
        airflow = airflow_runs.shared()
        began, before = time.monotonic(), _children_seconds()
        log = airflow.command(airflow_runs.DAILY, day, work / "deploys")
        print(json.dumps({"airflow dags test": {"wall_s": round(time.monotonic() - began, 1), "cpu_s": round(_children_seconds() - before, 1)}}))  # fmt: skip
        if not log.endswith("run marked successful"):
            print(log, file=sys.stderr)
            return 1
        return _whole(airflow, work)


def _whole(airflow: airflow_runs.Airflow, work: Path) -> int:
    port = ports.free()
    home = work / "home"
    (home / "dags").mkdir(parents=True)
    (home / "dags" / "five.py").write_text(FIVE)
    env = airflow.environment(work / "deploys") | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API_AUTH__JWT_SECRET": "for this benchmark only, on loopback: nothing to guard",
        "AIRFLOW__API__SECRET_KEY": "for this benchmark only",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
    }
    program = str(airflow.bin / "airflow")
    subprocess.run([program, "db", "migrate"], env=env, check=True, capture_output=True)
    parts = (["api-server"], ["dag-processor"], ["scheduler", "--skip-serve-logs"])
    began = time.monotonic()
    started = []
    with (work / "log.txt").open("w") as log:
        try:
            for part in parts:
                started.append(
                    subprocess.Popen([program, *part], env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
                )
            health = _until(lambda: _healthy(port))
            if health is None:
                print((work / "log.txt").read_text()[-3000:], file=sys.stderr)
                return 1
            ready = time.monotonic() - began
            _until(lambda: "five" in _said([program, "dags", "list", "--output", "plain"], env))
            family = _family(started)
            memory = sum(_memory(each) for each in family) / 1e6
            cpu = sum(sum(each.cpu_times()[:2]) for each in family)
            wide = [str(c.laddr) for each in family for c in each.net_connections("inet") if c.status == "LISTEN" and c.laddr.ip not in ("127.0.0.1", "::1")]  # fmt: skip
            print(json.dumps({"whole": {"until_healthy_s": round(ready, 1), "processes": len(family), "memory_mb": round(memory), "cpu_s": round(cpu, 1), "other_ports": wide}}))  # fmt: skip
            _said([program, "dags", "unpause", "five", "--yes"], env)
            triggered = time.monotonic()
            _said([program, "dags", "trigger", "five", "--run-id", "bench"], env)
            state = _until(lambda: _ended(_said([program, "dags", "list-runs", "five", "--output", "json"], env)))  # fmt: skip
            print(json.dumps({"a run": {"wall_s": round(time.monotonic() - triggered, 1), "state": state}}))
            return int(state != "success" or bool(wide))
        finally:
            for each in reversed(_family(started)):
                each.terminate()
            _, alive = psutil.wait_procs(_family(started), timeout=20)
            for each in alive:
                each.kill()


def _until(found):
    """Ask until there is an answer; None when patience ends."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if answer := found():
            return answer
        time.sleep(0.5)
    return None


def _healthy(port):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}/api/v2/monitor/health", timeout=5) as answer:
            parts = json.load(answer)
    except (OSError, ValueError):
        return False
    return all(parts[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "dag_processor"))


def _said(command, env):
    return subprocess.run(command, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout


def _ended(text):
    runs = json.loads(text[text.index("[{") :]) if "[{" in text else []
    return next(
        (run["state"] for run in runs if run["run_id"] == "bench" and run["state"] in ("success", "failed")), ""
    )


def _family(started):
    found = []
    for each in started:
        try:
            process = psutil.Process(each.pid)
            found += [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            continue
    return found


def _memory(process):
    try:
        return process.memory_full_info().pss
    except (psutil.Error, AttributeError):
        return 0


def _children_seconds():
    times = psutil.Process().cpu_times()
    return times.children_user + times.children_system


if __name__ == "__main__":
    raise SystemExit(main())
