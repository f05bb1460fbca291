"""Lesson 601, the cluster and its manifests: checks on manifests, and on snapshots of the cluster."""

import copy
import operator
from collections.abc import Iterator
from typing import Any

import numpy as np

from labsupport.cluster import look, rollout
from labsupport.cluster.rollout import Stage
from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded, learners_code
from labsupport.exercises.outcomes import Fail, FinalFail, NotAttempted
from labsupport.exercises.refute import Measured, OutsideRules, whole_number
from labsupport.lessons.cases import deployments_601, placing, selectors
from labsupport.lessons.cases.pods_601 import STATES, STUCK, WHY

Object = dict[str, Any]
exercises = Exercises("601")


@exercises.check(
    "1",
    "One step of a controller",
    hints=(
        "First keep the pods that count: phase `Pending` or `Running`. The others have ended and are only history.",
        "Too few: create `wanted - len(alive)`. Too many: delete `len(alive) - wanted` names.",
        "`sorted(alive, key=lambda pod: pod['ready'])` puts pods that are not ready first, because False sorts before True.",
    ),
    minutes=7,
)
def reconcile(answer: Guarded) -> str:
    """Try nine states of the world; the answer is a step, so any choice among equal pods is fine."""
    step = expect.function(answer)
    for what, wanted, pods in STATES:
        result = step(wanted, copy.deepcopy(pods))
        create, delete = _two(result)
        alive = {pod["name"]: pod for pod in pods if pod["phase"] in ("Pending", "Running")}
        missing, surplus = max(wanted - len(alive), 0), max(len(alive) - wanted, 0)
        shown = f"create {create}, delete {sorted(delete)}"
        there = ", ".join(f"{p['name']} {p['phase']}{' ready' if p['ready'] else ''}" for p in pods) or "none"
        saw = f"{shown} for {what} (wanted {wanted}, pods: {there})"
        want = f"create {missing}, delete {surplus}"
        if create != missing:
            cause = "compare `wanted` with how many pods count"
            if create == max(wanted - len(pods), 0):
                cause = "a pod that has failed or succeeded does not serve any more: don't count it"
            elif create == wanted:
                cause = "these are all wanted ones: subtract those that are there"
            elif create < 0:
                cause = "a number to create is never negative: too many is what `delete` is for"
            raise Fail(saw, want, cause)
        if strangers := [name for name in delete if name not in [pod["name"] for pod in pods]]:
            cause = "each name stands by itself in the list, as it stands in the pod"
            raise Fail(f"`{strangers[0]}` to delete, for {what} (pods: {there})", "names of these pods", cause)
        if len(delete) != surplus:
            cause = "delete exactly the surplus, `len(alive) - wanted`"
            if set(delete) - set(alive):
                cause = "only pods that count are deleted; those that have ended are left alone"
            raise Fail(saw, want, cause)
        if set(delete) - set(alive):
            raise Fail(saw, want, "only pods that count are deleted; those that have ended are left alone")
        if len(set(delete)) < surplus:
            raise Fail(saw, f"{surplus} different names", "a name stands there twice: each pod goes once")
        worst = {name for name, pod in alive.items() if not pod["ready"]}
        if len(worst & set(delete)) < min(surplus, len(worst)):
            cause = "sort by `ready` before you cut, and delete from the end where the unready stand"
            raise Fail(saw, "pods that are not ready go first", cause)
    return (
        "Nine states, nine right steps. It may be asked again at any moment: where nothing is missing it does nothing."
    )


def _two(result: Any) -> tuple[int, list[str]]:
    if result is None:
        raise Fail("`None`", "(how many to create, [names to delete])", "the function has no `return`")
    try:
        create, delete = {} if isinstance(result, dict) else result
        if isinstance(delete, Iterator):
            raise Fail("a generator", "a list of names", "it is read once only: make a list of it")
        if isinstance(delete, str):
            raise Fail(f"`{delete!r}`"[:80], "a list of names", "one name alone is `[name]`, and none is `[]`")
        names = list(delete)
        if any(isinstance(name, dict) for name in names):
            raise Fail("a list of pods", "a list of their names", 'take `pod["name"]` of each')
        if isinstance(create, float | np.floating):
            raise Fail(f"create `{create}`", "a whole number", "`range`, in the next cell, takes no float")
        return operator.index(create), [str(name) for name in names]
    except (TypeError, ValueError):
        cause = "return two things: a number, and a list of names"
        raise Fail(f"`{result!r}`"[:80], "(how many to create, [names to delete])", cause) from None


@exercises.check(
    "2",
    "Where is it stuck?",
    hints=(
        "Go in the order of the text above: no node, no image, not made yet, ends at once, runs but is not ready.",
        "`scheduled = any(c['type'] == 'PodScheduled' and c['status'] == 'True' for c in status['conditions'])`.",
        "`reason = container['state'].get('waiting', {}).get('reason', '')`; `'Image' in reason` finds both image reasons, "
        "`'Config' in reason` the configuration.",
        "Look at every container of the pod, and say `probe` only when none of them is waiting or has ended.",
    ),
    minutes=8,
)
def stuck(answer: Guarded) -> str:
    """Ask about pods in each of the states, two of them with two containers."""
    where = expect.function(answer)
    words = {name for name, _ in STUCK}
    for want, pod in STUCK:
        result = where(copy.deepcopy(pod))
        if result is None:
            raise Fail("`None`", f'"{want}"', 'a way through the function without `return`: end with `return "probe"`')
        saw = str(result).strip().lower()
        if saw in words and result != saw:
            raise Fail(f"`{result}`", f"`{saw}`", "spell the names as the text does: the next cell compares them")
        if saw not in words:
            raise Fail(f"`{result}`", f"one of {', '.join(sorted(words))}", "another word, or not a word")
        if saw == want:
            continue
        states = [status["state"] for status in pod["status"].get("containerStatuses", [])]
        shown = f"{saw} for a pod in phase {pod['status']['phase']}, containers {states or 'none yet'}"
        cause = WHY[want]
        if any("terminated" in state for state in states):
            cause = "`terminated`: it has just ended, and the pause before its next start has not begun"
        elif len(states) > 1 and saw != "scheduler":
            cause = f"{cause}. Of this pod only one container is so: look at all of them"
        raise Fail(shown, f'"{want}"', cause)
    return f"{len(STUCK)} pods, seven places. You can read `kubectl describe` now, and so can a program."


def _handed_over() -> Object:
    from labsupport.cluster import lab, show

    return show.documents(lab.manifests_of("601") / "broken" / "predictor.yaml")[0]


def _repaired(answer: Guarded, start: Object) -> Object:
    function = expect.function(answer)
    given = copy.deepcopy(start)
    with learners_code():
        # Not through Guarded: it may change the manifest in place, and would change a copy.
        result = function.function(given)
    found = given if result is None else result
    if not isinstance(found, dict) or "spec" not in found:
        raise Fail(f"a {type(found).__name__}", "the Deployment", "change the manifest in place, or return it")
    try:
        containers = found["spec"]["template"]["spec"]["containers"]
        whole = bool(containers) and all(isinstance(container, dict) for container in containers)
    except (KeyError, TypeError):
        whole = False
    if not whole:
        cause = "add to `spec.template.spec`, and leave its `containers` there"
        raise Fail("a Deployment without containers", "the Deployment with one container", cause)
    return found


@exercises.check(
    "3",
    "What the API server refuses",
    hints=(
        "The selector says which pods belong to the Deployment: the same label as in the template.",
        '`manifest["spec"]["selector"] = {"matchLabels": {"app": "predictor"}}`',
        '`manifest["spec"]["template"]["spec"]["volumes"] = [{"name": "page", "configMap": {"name": "page"}}]`',
    ),
    may_change=True,
)
def repair(answer: Guarded) -> str:
    """Look at selector, labels, mounts and volumes of the repaired Deployment; the rest must be as it was."""
    before = _handed_over()
    after = _repaired(answer, before)
    if after == before:
        raise NotAttempted("The manifest is unchanged: change it in place, or return the changed one.")
    spec = after["spec"]
    labels = spec.get("template", {}).get("metadata", {}).get("labels") or {}
    if labels.get("app") != "predictor":
        cause = "the pods' label `app: predictor` was right: leave it, and add the selector that matches it"
        raise Fail(f"labels {labels}", "app: predictor among them", cause)
    selector = spec.get("selector")
    if not selector:
        raise Fail("no `spec.selector`", "a selector", "a Deployment must say which pods are its own")
    if not isinstance(selector, dict) or not set(selector) <= {"matchLabels", "matchExpressions"}:
        cause = "a Deployment's selector has `matchLabels` around the labels; a Service's has not"
        raise Fail(f"selector {selector}", "{'matchLabels': {...}}", cause)
    if not selectors.matches(selector, labels):
        cause = "the selector must match the labels in `spec.template.metadata.labels`"
        raise Fail(f"selector {selector}, labels {labels}", "labels that match", cause)
    pod = spec["template"]["spec"]
    volumes = {volume.get("name"): volume for volume in pod.get("volumes") or [] if isinstance(volume, dict)}
    mounts = [mount.get("name") for container in pod["containers"] for mount in container.get("volumeMounts") or []]
    if not mounts:
        cause = "the mount was removed; then there is no page to serve. Add the volume instead"
        raise Fail("no volumeMounts", "the mount of `page` with its volume", cause)
    if missing := [name for name in mounts if name not in volumes]:
        cause = "each mount names a volume of the pod, in `spec.template.spec.volumes`"
        raise Fail(f"no volume named {missing[0]}", "a volume for each mount", cause)
    source = volumes["page"] if "page" in volumes else volumes[mounts[0]]
    maps = [source, *(source.get("projected") or {}).get("sources", [])]
    if not all(isinstance(one.get("configMap", {}), dict) for one in maps):
        raise Fail(
            f"volume {source}", "configMap: {name: page}", "the configMap of a volume is a dictionary with a name"
        )
    if "page" not in [one.get("configMap", {}).get("name") for one in maps]:
        cause = "the page lies in the ConfigMap `page`: `configMap: {name: page}`"
        raise Fail(f"volume {source}", "the ConfigMap `page`", cause)
    deployments_601.no_more_was_changed(before, after)
    return "A selector that matches, a volume for the mount: the API server will take it."


@exercises.check(
    "4",
    "Two pods that serve",
    hints=(
        "`kubectl describe pod` ends with the events. The image first: which names does the message know?",
        "Then the probe: the page that it asks for must be in the ConfigMap. `index.html` is.",
        "Containers are merged by name, so the patch names `predictor` and only what changes: `image`, `readinessProbe`.",
    ),
    minutes=7,
    look=look,
)
def two_that_serve(snapshot: Any) -> str:
    """Look at the Deployment `predictor` and its pods: made, pulled, running, ready, and from an image that stays."""
    deployment, rolled = snapshot.get("Deployment", "predictor"), rollout.of(snapshot, "predictor")
    if deployment is None or rolled is None:
        raise NotAttempted("There is no Deployment `predictor` in the namespace: apply the repaired manifest first.")
    containers = deployment["spec"]["template"]["spec"]["containers"]
    strangers = [one["name"] for one in containers if one["name"] != "predictor"]
    if strangers:
        cause = "a patch merges containers by name, and another name adds a container: write `predictor`"
        raise FinalFail(f"a container {strangers[0]} beside predictor", "one container, predictor", cause)
    if (replicas := deployment["spec"]["replicas"]) < 2:
        raise FinalFail(f"{replicas} replica wanted", "2", "repair image and probe, leave the number")
    container = containers[0]
    image, probe = container["image"], container.get("readinessProbe") or {}
    wanted = rolled.wanted
    if rolled.pods and image == "predictor:latest" and (probe.get("httpGet") or {}).get("path") == "/ready.html":
        raise NotAttempted("Image and probe of `predictor` are still those that were handed over.")
    if rolled.stage is Stage.IMAGE:
        cause = "no such image on this cluster: the events name those that there are"
        raise Fail(f"image {rolled.words}"[:120], "an image that is there", cause)
    if rolled.stage is Stage.CRASH:
        cause = f"its last words: {rolled.words or 'nothing'}"
        raise Fail("a container that starts and ends again", "one that runs", cause)
    if rolled.stage is Stage.REFUSED:
        cause = "the last event of its ReplicaSet: " + rolled.words.partition("is forbidden: ")[2][:160]
        raise Fail("no pod of the Deployment", f"{wanted} pods", cause)
    if not rolled.pods:
        raise Fail("no pod of the Deployment yet", f"{wanted} pods", "wait some seconds, and check again")
    if not probe:
        cause = "without a readiness probe a pod gets traffic before it can answer: keep the probe, repair its path"
        raise FinalFail("no readinessProbe", "a probe that succeeds", cause)
    if not rolled.complete or rolled.ready < wanted:
        cause = "wait some seconds, and check again"
        if "statuscode: 404" in rolled.words:
            page = (probe.get("httpGet") or {}).get("path")
            cause = f"the probe asks for {page} and gets 404: which pages does the ConfigMap have?"
        elif "connection refused" in rolled.words:
            cause = "the probe is refused: it asks another port than the program listens on"
        raise Fail(f"{rolled.ready} of {wanted} pods ready", f"{wanted} ready", cause)
    if image.endswith(":latest") or ":" not in image:
        cause = "a tag that moves: tomorrow the same manifest is another program. Name a version"
        raise FinalFail(f"image {image}", "a tag that stays, such as labs-serve:1.0", cause)
    return f"{wanted} pods of {image}, and their probe succeeds."


@exercises.check(
    "5",
    "A Service with somebody behind it",
    hints=(
        "`kubectl get endpointslices` shows that nobody is behind the Service. Whom does it look for?",
        "Compare the Service's `spec.selector` with the pods' labels (`kubectl get pods --show-labels`).",
        'The patch is `{"spec": {"selector": {"app": "predictor"}}}`.',
    ),
    minutes=4,
    look=look,
)
def service_with_pods(snapshot: Any) -> str:
    """Look at the Service `predictor`, its EndpointSlice, and the labels and ports of the pods."""
    service = snapshot.get("Service", "predictor")
    if service is None:
        raise NotAttempted("There is no Service `predictor` in the namespace: apply the manifest first.")
    slices = [
        item
        for item in snapshot.all("EndpointSlice")
        if (item["metadata"].get("labels") or {}).get("kubernetes.io/service-name") == "predictor"
    ]
    ready = [
        one for item in slices for one in item.get("endpoints") or [] if one.get("conditions", {}).get("ready", False)
    ]
    selector = service["spec"].get("selector") or {}
    matching = [pod for pod in snapshot.all("Pod") if selector.items() <= (pod["metadata"].get("labels") or {}).items()]
    if selector == {"app": "model"} and not matching:
        # A refused patch leaves no trace in the cluster.
        raise NotAttempted(
            "The Service `predictor` still looks for `app: model`, and finds nobody. If your patch was refused: a Service's "
            "selector holds the labels themselves; `matchLabels` around them is a Deployment's way to write it."
        )
    owned = {pod["metadata"]["name"] for pod in snapshot.pods_of("predictor")}
    strangers = [pod for pod in matching if pod["metadata"]["name"] not in owned]
    if not selector:
        cause = "name the label of the pods in `selector`"
        raise FinalFail("a Service without selector", "the pods of `predictor`", cause)
    if strangers and owned:
        cause = "it also finds pods of another Deployment: choose the label that only `predictor` has"
        raise FinalFail(f"selector {selector}", "only the pods of `predictor`", cause)
    if not matching:
        have: Object = next((pod["metadata"]["labels"] for pod in snapshot.pods_of("predictor")), {})
        shown = {name: value for name, value in have.items() if name != "pod-template-hash"}
        cause = "whom does the Service look for?"
        if selector.get("app") == "model":
            cause = "a patch merges, so `app: model` is still there, and a pod must have every label: change `app`"
        raise Fail(f"selector {selector}, and no pod with these labels", f"labels {shown}", cause)
    if not ready:
        raise Fail("no ready address behind the Service", "the addresses of its pods", "not ready yet: first 601.4")
    target = service["spec"]["ports"][0].get("targetPort")
    ports = matching[0]["spec"]["containers"][0].get("ports") or []
    known = [str(port[part]) for port in ports for part in ("name", "containerPort") if part in port]
    if str(target) not in known:
        cause = f"targetPort {target} is no port of the pods; they have {' or '.join(known)}"
        raise Fail(f"{len(ready)} addresses, and no port of theirs", "their port http, 8000", cause)
    return f"{len(ready)} addresses stand behind the Service: it answers."


@exercises.refute(
    "6",
    "While the free cores of all nodes together are enough for a pod, it gets a node",
    case="a list of CPU requests in thousandths of a core, for up to 60 pods, each from 1 to 4,000, so that it fits into an empty node",
    hints=(
        "A pod does not run on *all nodes together*. What does it need of a single one?",
        "The scheduler puts each pod on the emptiest node. So where are three equal pods, and what is left beside each?",
        "Let each of the first three take a little more than half a node. What becomes of the fourth?",
    ),
    minutes=6,
)
def free_cores_are_enough(case: Any) -> Measured:
    """Place the pods on three nodes of four cores as the scheduler does; it fails when one waits for whom there is enough in all."""
    if not isinstance(case, list | tuple | np.ndarray) or not 1 <= len(case) <= 60:
        raise OutsideRules("a case is a list of 1 to 60 numbers such as [500, 500]")
    requests = [whole_number(one, 1, placing.CORES, "a request in thousandths of a core") for one in case]
    placed = placing.place(requests)
    for at, (request, node) in enumerate(zip(requests, placed, strict=True)):
        if node is not None:
            continue
        free = placing.free(requests[:at], placed[:at])
        said = f"pod {at + 1} of {len(requests)} asks for {request} and has no node; free are {' + '.join(map(str, free))} = {sum(free)}"
        if sum(free) >= request:
            return Measured(False, said)
        return Measured(True, f"{said}, which is not enough for it, in all")
    return Measured(
        True, f"all {len(requests)} pods have a node, {sum(requests)} of {placing.NODES * placing.CORES} are taken"
    )


exercises.guess("g1", "Time from `kubectl apply` to three addresses behind the Service", unit="s")
exercises.guess("g2", "Number of its six faults that the first `kubectl apply` names", unit="")
exercises.guess("g3", "The pods of predictor are ready, so its Service answers")
exercises.quiz(
    "a",
    "Your nodes are full: not a tenth of a core is free. A colleague deletes two of the three pods of a Deployment, \"to restart them\". What happens?",
    ("One pod is left until somebody adds a node: there is no room for new ones.", False, "What the two requested is free as soon as they are gone. Until then their successors wait, Pending."),
    ("The same two pods are started again in their places.", False, "A container is restarted in its pod. A deleted pod is gone for good, with its name and its address."),
    ("Two new ones come up; until they are ready, one does all the work.", True, "The ReplicaSet counts one and makes two. That it ends well does not make it free: `kubectl rollout restart` replaces them one after another."),
    ("Nothing: the API server refuses, because three replicas are wished for.", False, "It deletes what it is told to. A wish is kept by a controller, afterwards."),
)  # fmt: skip
exercises.quiz(
    "b",
    "A pipeline ends with `kubectl apply -f release/`, exit code 0, and reports \"deployed\". Which fault of tonight's release can it not have noticed?",
    ("A field is misspelt: `replica: 5`.", False, "kubectl asks for strict validation, and the API server refuses a field that it does not know."),
    ("The image's build failed, so its tag was never pushed.", True, "Apply ends when the wish is stored. Only the node finds out, when it pulls: let the pipeline wait by `kubectl rollout status`."),
    ("The pipeline's account may not write in this namespace.", False, "It is refused at the door, with exit code 1."),
    ("The selector does not match the labels of the template.", False, "This rule is the API server's own; it refuses the Deployment."),
)  # fmt: skip
exercises.quiz(
    "c",
    "Ten minutes after a release two of four pods are `Running`, 0/1 ready, with 0 restarts. The same image is well in staging. What do you do first?",
    ("`kubectl rollout restart`: the new pods have got stuck at their start.", False, "The same template makes the same pods. And the two that wait are no danger: they get no traffic."),
    ("Raise the memory limit, production has more traffic.", False, "A container beyond its limit is killed, and RESTARTS counts it."),
    ("Take the readiness probe out, so that traffic comes to the new pods.", False, "Then users see what the probe has seen. It is the only thing that stands between them and this release."),
    ("Read the `Unhealthy` events: what did the probe get?", True, "They run, do not end, and are not ready: that is the probe's word. What differs from staging is often what the page behind it needs."),
)  # fmt: skip
exercises.quiz(
    "d",
    "Twenty equal pods request 256 MiB each, with a limit of 2 GiB; each really takes 1 GiB. Their node has 8 GiB. What do you expect?",
    ("The node runs out of memory, and pods below their limit are killed.", True, "The scheduler saw 20 x 256 MiB = 5 GiB and was content. The limits add up to 40 GiB, use to 20: a request below real use is a bet on the others."),
    ("Nothing: every pod stays far below its limit.", False, "A limit protects the others from one pod. It does not make memory: 20 GiB do not fit into 8."),
    ("Eight of them run, the others stay Pending.", False, "The scheduler adds up requests, and 5 GiB fit. It does not look at use."),
    ("The scheduler moves some of them to another node when memory gets scarce.", False, "A pod is placed once. It can be evicted, which means ended; its ReplicaSet then makes another."),
)  # fmt: skip
