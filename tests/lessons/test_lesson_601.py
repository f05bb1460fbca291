"""Lesson 601: usual mistakes, each with words of its own diagnosis, and right answers; on the cluster, recorded snapshots of both (see test_every_lesson)."""

import re

import pytest

from labsupport import paths
from labsupport.cluster import versions
from labsupport.cluster.look import recorded
from labsupport.cluster.snapshot import Snapshot
from labsupport.exercises import proof
from labsupport.exercises.engine import evaluate
from labsupport.exercises.proof import Kind
from labsupport.lessons.cases import placing


def step(
    alive: str = 'p["phase"] in ("Pending", "Running")', create: str = "max(wanted - n, 0)", delete: str = ""
) -> str:
    names = delete or '[p["name"] for p in sorted(alive, key=lambda p: p["ready"])[: max(n - wanted, 0)]]'
    return (
        "def reconcile(wanted, pods):\n"
        f"    alive = [p for p in pods if {alive}]\n"
        "    n = len(alive)\n"
        f"    return {create}, {names}"
    )


def looks(*lines: str, last: str = 'return "probe"') -> str:
    head = [
        "def stuck(pod):",
        '    status = pod["status"]',
        '    now = {c["type"]: c["status"] == "True" for c in status["conditions"]}',
        '    reasons = [s["state"].get("waiting", {}).get("reason", "") for s in status.get("containerStatuses", [])]',
    ]
    return "\n".join([*head, *(f"    {line}" for line in lines), f"    {last}"])


SERVES = 'if now.get("Ready"): return "serves"'
NO_NODE = 'if not now["PodScheduled"]: return "scheduler"'
NO_IMAGE = 'if any("Image" in r for r in reasons): return "image"'
STARTS = 'if "ContainerCreating" in reasons: return "starting"'
CONFIG = 'if "CreateContainerConfigError" in reasons: return "config"'
ENDED = 'if any("terminated" in s["state"] for s in status.get("containerStatuses", [])): return "crash"'
CRASHES = f'{ENDED}\n    if "CrashLoopBackOff" in reasons: return "crash"'


def change(*lines: str, name: str = "repair") -> str:
    head = [f"def {name}(manifest):", '    pod = manifest["spec"]["template"]["spec"]', '    c = pod["containers"][0]']
    return "\n".join([*head, *(f"    {line}" for line in lines)])


SELECTOR = 'manifest["spec"]["selector"] = {"matchLabels": {"app": "predictor"}}'
VOLUME = 'pod["volumes"] = [{"name": "page", "configMap": {"name": "page"}}]'


WRONG = {
    "601.1": {
        "counts the dead": (step("True"), "don't count it"),
        "creates all": (step(create="wanted if n < wanted else 0"), "subtract those that are there"),
        "creates less than none": (step(create="wanted - n"), "never negative"),
        "deletes nothing": (step(delete="[]"), "exactly the surplus"),
        "deletes the healthy": (
            step(delete='[p["name"] for p in alive[: max(n - wanted, 0)]]'),
            "sort by `ready`",
        ),
        "sorts and cuts at the wrong end": (
            step(delete='[p["name"] for p in sorted(alive, key=lambda p: p["ready"])[wanted:]]'),
            "delete from the end",
        ),
        "tidies the dead away": (
            step(
                delete='[p["name"] for p in pods if p not in alive] + [p["name"] for p in sorted(alive, key=lambda p: p["ready"])[: max(n - wanted, 0)]]'
            ),
            "left alone",
        ),
        "deletes one of two that are not ready": (
            step(
                delete='sorted([p["name"] for p in alive], key=lambda n: n != next((p["name"] for p in alive if not p["ready"]), ""))[: max(n - wanted, 0)]'
            ),
            "pods that are not ready go first",
        ),
        "deletes the worst twice": (
            step(delete='[min(alive, key=lambda p: p["ready"])["name"]] * max(n - wanted, 0) if alive else []'),
            "each pod goes once",
        ),
        "empties the list": (
            "def reconcile(wanted, pods):\n"
            "    alive, delete = [], []\n"
            "    while pods:\n"
            "        one = pods.pop()\n"
            '        alive += [one] if one["phase"] in ("Pending", "Running") else []\n'
            '    alive.sort(key=lambda p: p["ready"])\n'
            '    return max(wanted - len(alive), 0), [p["name"] for p in alive[: max(len(alive) - wanted, 0)]]',
            "`pods`",
        ),
        "returns the pods themselves": (
            step(delete='sorted(alive, key=lambda p: p["ready"])[: max(n - wanted, 0)]'),
            'take `pod["name"]`',
        ),
        "returns one name alone": (
            step(delete='(lambda d: d[0] if len(d) == 1 else d)([p["name"] for p in alive[: max(n - wanted, 0)]])'),
            "one name alone is",
        ),
        "joins the names": (
            step(delete='[" ".join(p["name"] for p in alive[: max(n - wanted, 0)])]'),
            "each name stands by itself",
        ),
        "creates a float": (step(create="max(0.0, wanted - n)"), "takes no float"),
        "returns one thing": ("def reconcile(wanted, pods):\n    return wanted - len(pods)", "return two things"),
        "returns nothing": ("def reconcile(wanted, pods):\n    wanted - len(pods)", "no `return`"),
    },
    "601.2": {
        "believes the phase": (
            looks(SERVES, 'if status["phase"] == "Pending": return "scheduler"'),
            "ErrImagePull or ImagePullBackOff",
        ),
        "forgets the scheduler": (looks(SERVES, NO_IMAGE, STARTS, CONFIG, CRASHES), "it has no node"),
        "knows one image reason": (
            looks(SERVES, NO_NODE, 'if "ErrImagePull" in reasons: return "image"', STARTS, CONFIG, CRASHES),
            "both are about the image",
        ),
        "calls all that waits a crash": (
            looks(SERVES, NO_NODE, NO_IMAGE, 'if any(reasons): return "crash"', ENDED),
            "Waiting alone is no crash",
        ),
        "knows no configuration": (
            looks(SERVES, NO_NODE, NO_IMAGE, STARTS, 'if any(reasons): return "crash"', ENDED),
            "a ConfigMap or Secret that it names",
        ),
        "forgets the crash": (looks(SERVES, NO_NODE, NO_IMAGE, STARTS, CONFIG), "starts and ends again, though"),
        "forgets the moment after the end": (
            looks(SERVES, NO_NODE, NO_IMAGE, STARTS, CONFIG, 'if "CrashLoopBackOff" in reasons: return "crash"'),
            "it has just ended",
        ),
        "looks at the first container": (
            looks(SERVES, NO_NODE, "reasons = reasons[:1]", NO_IMAGE, STARTS, CONFIG, CRASHES),
            "look at all of them",
        ),
        "looks at the last container": (
            looks(SERVES, NO_NODE, "reasons = reasons[-1:]", NO_IMAGE, STARTS, CONFIG, CRASHES),
            "only one container is so",
        ),
        "takes running for serving": (
            looks(NO_NODE, NO_IMAGE, STARTS, CONFIG, CRASHES, last='return "serves"'),
            "does not mean that it serves",
        ),
        "forgets the healthy": (looks(NO_NODE, NO_IMAGE, STARTS, CONFIG, CRASHES), "it gets traffic"),
        "writes names in capitals": (looks('if now.get("Ready"): return "Serves"'), "the next cell compares them"),
        "has a way without return": (
            looks(SERVES, NO_NODE, NO_IMAGE, STARTS, CONFIG, CRASHES, last="pass"),
            "a way through",
        ),
    },
    "601.3": {
        "forgets the selector": (change(VOLUME), "a Deployment must say"),
        "writes a Service's selector": (
            change('manifest["spec"]["selector"] = {"app": "predictor"}', VOLUME),
            "a Service's has not",
        ),
        "selects others": (
            change('manifest["spec"]["selector"] = {"matchLabels": {"app": "model"}}', VOLUME),
            "the selector must match",
        ),
        "changes label and selector": (
            change(
                'manifest["spec"]["template"]["metadata"]["labels"] = {"app": "model"}',
                'manifest["spec"]["selector"] = {"matchLabels": {"app": "model"}}',
                VOLUME,
            ),
            "leave it",
        ),
        "names the map in a text": (
            change(SELECTOR, 'pod["volumes"] = [{"name": "page", "configMap": "page"}]'),
            "a dictionary with a name",
        ),
        "forgets the volume": (change(SELECTOR), "each mount names a volume"),
        "removes the mount": (change(SELECTOR, 'del c["volumeMounts"]'), "the mount was removed"),
        "mounts nothing": (change(SELECTOR, 'pod["volumes"] = [{"name": "page", "emptyDir": {}}]'), "ConfigMap `page`"),
        "writes a second list of volumes": (
            change(SELECTOR, VOLUME, 'manifest["spec"]["volumes"] = []'),
            "has got `'volumes'`",
        ),
        "counts in texts": (change(SELECTOR, VOLUME, 'manifest["spec"]["replicas"] = "2"'), "was `2` and is `'2'`"),
        "mounts it nowhere": (
            change(SELECTOR, VOLUME, 'del c["volumeMounts"][0]["mountPath"]'),
            "has lost `'mountPath'`",
        ),
        "makes another kind": (change(SELECTOR, VOLUME, 'manifest["kind"] = "ReplicaSet"'), "leave the rest as it was"),
        "names the volume twice": (change(SELECTOR, VOLUME, 'pod["volumes"] *= 2'), "of the same name"),
        "takes two sources": (change(SELECTOR, VOLUME, 'pod["volumes"][0]["emptyDir"] = {}'), "comes from one place"),
        "invents a field": (
            change(SELECTOR, VOLUME, 'pod["volumes"][0]["configMap"]["path"] = "/page"'),
            "so says `kubernetes_validate`",
        ),
        "throws the container away": (change(SELECTOR, 'pod["containers"] = []'), "leave its `containers` there"),
    },
    "601.4": {
        "adds a container": ("601-second-container", "another name adds a container"),
        "asks for one": ("601-one-replica", "leave the number"),
        "is not secure": ("601-not-secure", "the last event of its ReplicaSet"),
        "names another missing image": ("601-another-image", "no such image"),
        "probes a missing page": ("601-probe-404", "gets 404"),
        "probes another port": ("601-probe-refused", "another port"),
        "has no probe": ("601-no-probe", "keep the probe"),
        "crashes": ("601-crash", "its last words"),
        "names a tag that moves": ("601-moving-tag", "a tag that moves"),
    },
    "601.5": {
        "finds nobody": ("601-misspelt-label", "whom does the Service look for"),
        "finds strangers": ("601-strangers", "pods of another Deployment"),
        "names an unknown port": ("601-unknown-port", "is no port of the pods"),
        "finds pods that are not ready": ("601-not-ready-behind", "first 601.4"),
    },
    "601.6": {
        "fills the cluster": ("case = [500] * 24", "all 24 pods have a node"),
        "asks for more than there is": ("case = [4000] * 4", "which is not enough for it, in all"),
        "asks for more than a node": ("case = [5000]", "lies between 1 and 4000"),
        "asks for half a core in words": (
            'case = ["500m"] * 4',
            "a request in thousandths of a core is a whole number",
        ),
    },
}

RIGHT = {
    "601.1": {
        "with loops": (
            "def reconcile(wanted, pods):\n"
            "    bad = [p['name'] for p in pods if p['phase'] in ('Pending', 'Running') and not p['ready']]\n"
            "    good = [p['name'] for p in pods if p['phase'] in ('Pending', 'Running') and p['ready']]\n"
            "    create, delete = 0, []\n"
            "    while len(bad) + len(good) + create < wanted:\n"
            "        create += 1\n"
            "    while len(bad) + len(good) > wanted:\n"
            "        delete.append((bad or good).pop())\n"
            "    return [create, delete]"
        ),
    },
    "601.2": {"in another order": looks(CRASHES, NO_IMAGE, CONFIG, STARTS, NO_NODE, SERVES)},
    "601.3": {
        "by expressions, and a projected volume": change(
            'manifest["spec"]["selector"] = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["predictor"]}]}',
            'pod["volumes"] = [{"name": "page", "projected": {"sources": [{"configMap": {"name": "page"}}]}}]',
        ),
        "with another name for the volume": change(
            SELECTOR,
            'pod["volumes"] = [{"name": "pages", "configMap": {"name": "page"}}]',
            'c["volumeMounts"][0]["name"] = "pages"',
        ),
        "returning a new one, with two labels": (
            "def repair(manifest):\n"
            '    spec = manifest["spec"]\n'
            '    template = copy.deepcopy(spec["template"])\n'
            '    template["metadata"]["labels"]["tier"] = "answers"\n'
            '    template["spec"]["volumes"] = [{"name": "page", "configMap": {"name": "page", "optional": False}}]\n'
            '    return {**manifest, "spec": {**spec, "template": template, "selector": {"matchLabels": {"tier": "answers", "app": "predictor"}}}}'
        ),
    },
    "601.4": {"by the probe's path": "601-served", "by the missing page": "601-page-added"},
    "601.6": {"with small ones first": "case = [1200] * 6 + [2000]"},
    "601.5": {"by the label app": "601-served", "by a label of their own": "601-own-label"},
}


def test_the_schema_is_of_the_clusters_version() -> None:
    texts = [
        (paths.sources() / "601_manifests.py").read_text(),
        (paths.course_root() / "labsupport" / "lessons" / "cases" / "deployments_601.py").read_text(),
    ]
    minor = versions.KUBERNETES.rpartition(".")[0]
    assert [re.findall(r'kubernetes_validate\.validate\(\w+, "(.+?)"', text) for text in texts] == [[minor]] * 2


@pytest.mark.parametrize("key", ["601.4", "601.5"])
def test_an_empty_namespace_is_not_yet_an_answer(key) -> None:
    outcome = evaluate(key, seen=Snapshot("lab-601"))
    assert outcome.kind is Kind.NOT_YET
    assert "apply the" in outcome.text


@pytest.mark.parametrize(("key", "begun"), [("601.4", "601-no-such-image"), ("601.5", "601-nobody-behind")])
def test_what_was_not_touched_is_not_yet_an_answer(key, begun) -> None:
    outcome = proof.outcome_of(key, begun)
    assert outcome.kind is Kind.NOT_YET
    assert "still" in outcome.text


def test_the_last_words_are_those_of_the_newest_template() -> None:
    seen = recorded("601-crash")
    old = {"predictor-0-old/predictor": "what an earlier template said"}
    outcome = evaluate("601.4", seen=Snapshot(seen.namespace, seen.objects, seen.events, {**old, **seen.logs}))
    assert "No module named http.servant" in outcome.cause


def test_a_selector_that_the_api_server_refuses_is_explained() -> None:
    assert "`matchLabels` around them" in proof.outcome_of("601.5", "601-nobody-behind").text


def test_a_patch_that_leaves_the_old_label_is_told_so() -> None:
    seen = recorded("601-misspelt-label")
    selector = {"app": "model", "name": "predictor"}
    services = [{**one, "spec": {**one["spec"], "selector": selector}} for one in seen.all("Service")]
    others = [one for one in seen.objects if one["kind"] != "Service"]
    outcome = evaluate("601.5", seen=Snapshot(seen.namespace, [*others, *services], seen.events, seen.logs))
    assert "a patch merges" in outcome.cause


def test_the_scheduler_of_the_refutation_takes_the_emptiest_node_with_room() -> None:
    assert placing.place([1000, 2000, 500, 3800, 3000]) == [0, 1, 2, None, 2]
    assert placing.free([1000, 2000, 3800], [0, 1, None]) == [3000, 2000, 4000]
