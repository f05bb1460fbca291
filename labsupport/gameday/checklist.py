"""The handout's checklist, each line ticked by something that looks at the running system (or at the repository) and says what it saw."""

import base64
import json
import tempfile
import urllib.error
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.request import ProxyHandler, Request, build_opener

from labsupport import paths
from labsupport.cluster import gateways, waiting
from labsupport.cluster.snapshot import Snapshot, take
from labsupport.gameday import desk, facts, versions
from labsupport.gameday.oncall import Day

DEPLOY = {
    "lines_changed": 120, "files_changed": 6, "author_deploys": 40, "tests_failed_before": 0, "coverage": 0.8, "dependency_bump": False,
    "friday": False, "hour": 11,
}  # fmt: skip
GPU = "nvidia.com/gpu"


@dataclass(frozen=True)
class Line:
    """One line of the checklist: its words, whether it holds, and what was seen."""

    text: str
    holds: bool
    saw: str


def look(day: Day) -> list[Line]:
    """Go through the nine lines; one that can't be looked at does not hold, and says why."""
    lines = []
    for text, ask in _LINES.items():
        try:
            lines.append(Line(text, *ask(day)))
        except Exception as error:  # Whatever is broken there, the other lines are still to be looked at.
            lines.append(Line(text, False, f"can't be looked at: {type(error).__name__}: {str(error)[:160]}"))
    return lines


def versioning(day: Day) -> tuple[bool, str]:
    """The registry's alias and what is served are one version, and each stage of the data's pipeline declares what it reads and writes."""
    from labsupport.data import lineage

    seen = _snapshot(day)
    champion = ((seen.get("ConfigMap", "registry") or {}).get("data") or {}).get("champion")
    served = _answer(day, DEPLOY)[1].get("version")
    steps = lineage.declared(paths.PACKAGE / "data" / "deploy_pipeline")
    whole = bool(steps) and all(step.writes or step.reads or step.params for step in steps)
    return (
        bool(champion) and champion == served and whole,
        f"alias champion: version {champion}; served: {served}; dvc.yaml declares {len(steps)} stages",
    )


def serving(day: Day) -> tuple[bool, str]:
    """The endpoint answers a question, with a version."""
    status, said = _answer(day, DEPLOY)
    return status == 200 and "hold" in said, f"POST /predict: {status}, hold: {str(said.get('hold')).lower()}"


def monitoring(day: Day) -> tuple[bool, str]:
    """Prometheus reaches all of its targets, and its rules are evaluated without an error."""
    with day.prometheus() as prometheus:
        targets = prometheus.get("/api/v1/targets")["activeTargets"]
        rules = [rule for group in prometheus.get("/api/v1/rules")["groups"] for rule in group["rules"]]
    up = sum(one["health"] == "up" for one in targets)
    well = sum(one["health"] == "ok" for one in rules)
    holds = 0 < len(targets) == up and 0 < len(rules) == well
    return holds, f"targets up: {up} of {len(targets)}; rules evaluated: {well} of {len(rules)}"


def ab_testing(day: Day) -> tuple[bool, str]:
    """The route splits by weight between two Services, and its controller has it in force."""
    seen = _snapshot(day)
    route = seen.get("HTTPRoute", facts.NAME) or {}
    backends = [one for rule in route.get("spec", {}).get("rules", []) for one in rule.get("backendRefs", [])]
    weights = ", ".join(f"{one['name']} {one.get('weight', 1)}" for one in backends)
    return len(backends) == 2 and gateways.in_force(seen, facts.NAME), f"weights: {weights}"


def security(day: Day) -> tuple[bool, str]:
    """Without a token nobody is answered; the served model's signature is by a trusted key; containers do not run as root."""
    from labsupport.security import signatures

    refused = _answer(day, DEPLOY, token="")[0]
    seen = _snapshot(day)
    served = facts.of(seen, {}, [], []).stable_version
    with tempfile.TemporaryDirectory() as place:
        _put(day, f"model-{served}", Path(place) / "model")
        _put(day, "signers", Path(place) / "signers")
        signed = signatures.verify(
            Path(place) / "model", signatures.trusted_in(Path(place) / "signers"), name=versions.NAME
        )
    roots = [
        pod["metadata"]["name"]
        for pod in seen.all("Pod")
        if not pod["spec"].get("securityContext", {}).get("runAsNonRoot")
    ]
    said = f"no token: {refused}; version {signed.version} is signed by {signed.signer}; pods that may be root: {len(roots)}"
    return refused == 401 and signed.version == served and not roots, said


def cicd(day: Day) -> tuple[bool, str]:
    """The workflow file of lab 613 is safe, and nothing reaches production past the gate and the smoke test of staging."""
    from labsupport.delivery import linting, repository, workflow

    text = (repository.FILES / "deliver.yml").read_text(encoding="utf-8")
    found, before = linting.findings(text), workflow.parse(text).before("production")
    ordered = {"validate", "staging"} <= set(before)
    return not found and ordered, f"deliver.yml: {len(found)} findings; before production: {', '.join(sorted(before))}"


def data_pipeline(day: Day) -> tuple[bool, str]:
    """The gate of the data's contract lets a good day pass and stops a bad one."""
    from datetime import UTC, datetime, timedelta

    from labsupport.data import deploy_contract, quality

    *history, good = deploy_contract.deliveries(8, seed=day.seed)
    contract = deploy_contract.contract(history)
    now: datetime = good["time"].max().to_pydatetime().astimezone(UTC) + timedelta(hours=1)
    bad = deploy_contract.FAULTS["negative sizes"](good, 0.3, day.seed)
    quality.gate(quality.inspect(good, contract, now=now))
    try:
        quality.gate(quality.inspect(bad, contract, now=now))
    except quality.GateClosed:
        return True, "a good delivery passes, one with negative sizes is stopped"
    return False, "a delivery with negative sizes passes"


def infrastructure(day: Day) -> tuple[bool, str]:
    """The nodes are ready; GPUs, where the runtime has any (pocket's are only numbers that the node says)."""
    nodes = day.lab.cluster.get("nodes")["items"]
    ready = [
        one for one in nodes if any(c["type"] == "Ready" and c["status"] == "True" for c in one["status"]["conditions"])
    ]
    gpus = sum(int(one["status"].get("capacity", {}).get(GPU, 0)) for one in nodes)
    return 0 < len(nodes) == len(ready), f"nodes ready: {len(ready)} of {len(nodes)}; {GPU}: {gpus or 'none'}"


def observability(day: Day) -> tuple[bool, str]:
    """A question with a trace id is found again: in a log line of the server, in its metrics, and as a span."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import set_span_in_context

    from labsupport.monitoring import traces

    span = TracerProvider().get_tracer("checklist").start_span("ask")
    trace = traces.id_of(span)
    _answer(day, DEPLOY, headers=traces.headers_of(set_span_in_context(span)))
    logs = waiting.until(
        lambda: trace in day.lab.ask("kubectl logs deployment/deploy-risk --tail=50"), "the line is in the log", 20, 0.5
    )
    spans = waiting.until(lambda: trace in desk.spans(day.lab), "the span has come", 20, 0.5)
    with day.prometheus() as prometheus:
        series = len(prometheus.now("model_predictions_total"))
    return logs and spans and series > 0, "one trace id in a log line and in a span; the same requests in the metrics"


_LINES: dict[str, Callable[[Day], tuple[bool, str]]] = {
    "Model versioning": versioning,
    "Model serving": serving,
    "Monitoring": monitoring,
    "A/B testing": ab_testing,
    "Security": security,
    "CI/CD": cicd,
    "Data pipeline": data_pipeline,
    "Infrastructure": infrastructure,
    "Observability": observability,
}


def _snapshot(day: Day) -> Snapshot:
    return take(day.lab.cluster, day.lab.namespace, logs=False, kinds=day.lab.kinds)


def _answer(
    day: Day, deploy: Mapping[str, object], token: str | None = None, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, object]]:
    """Ask at the door, with the desk's token if none is given; return the status and the answer."""
    if token is None:
        secret = day.lab.cluster.get("secret/desk", "-n", day.lab.namespace)["data"]["token"]
        token = base64.b64decode(secret).decode()
    head = {
        "Content-Type": "application/json",
        **(headers or {}),
        **({"Authorization": f"Bearer {token}"} if token else {}),
    }
    with day.lab.cluster.reach("traefik", 8000, day.lab.namespace) as url:
        question = Request(f"{url}/predict", json.dumps(dict(deploy)).encode(), head)
        try:
            with build_opener(ProxyHandler({})).open(question, timeout=30) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, {}


def _put(day: Day, configmap: str, folder: Path) -> None:
    """Write what a ConfigMap holds into a folder."""
    folder.mkdir()
    found = day.lab.cluster.get(f"configmap/{configmap}", "-n", day.lab.namespace)
    for name, text in (found.get("data") or {}).items():
        (folder / name).write_text(text)
    for name, content in (found.get("binaryData") or {}).items():
        (folder / name).write_bytes(base64.b64decode(content))
