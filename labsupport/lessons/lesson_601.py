"""Lesson 601, the cluster and its manifests: checks on manifests, and on snapshots of the cluster."""

import copy
from typing import Any

from labsupport.cluster import look
from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded, learners_code
from labsupport.exercises.outcomes import Fail, NotAttempted
from labsupport.lessons.cases import selectors
from labsupport.lessons.cases.pods_601 import STUCK

Object = dict[str, Any]
exercises = Exercises("601")


def _pod(name: str, phase: str = "Running", ready: bool = True) -> Object:
    return {"name": name, "phase": phase, "ready": ready}


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
    """Try seven states of the world; the answer is a step, so any choice among equal pods is fine."""
    step = expect.function(answer)
    cases: list[tuple[str, int, list[Object]]] = [
        ("nothing there", 3, []),
        ("one too few", 3, [_pod("a"), _pod("b")]),
        ("just right", 2, [_pod("a"), _pod("b", "Pending", False)]),
        ("one too many", 1, [_pod("a"), _pod("b")]),
        ("too many, one of them not ready", 2, [_pod("a"), _pod("b", ready=False), _pod("c")]),
        ("one has failed", 2, [_pod("a"), _pod("b", "Failed", False)]),
        ("scaled to zero", 0, [_pod("a"), _pod("b", "Succeeded", False)]),
    ]
    for what, wanted, pods in cases:
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
        if len(delete) != surplus:
            cause = "delete exactly the surplus, `len(alive) - wanted`"
            if set(delete) - set(alive):
                cause = "only pods that count are deleted; those that have ended are left alone"
            raise Fail(saw, want, cause)
        if set(delete) - set(alive):
            raise Fail(saw, want, "only pods that count are deleted; those that have ended are left alone")
        worst = [name for name, pod in alive.items() if not pod["ready"]]
        if surplus and worst and not set(delete) & set(worst):
            raise Fail(saw, "the pod that is not ready goes first", "sort by `ready` before you cut")
    return "Seven states, seven right steps. Run it again and again, and the world comes to what was wished for."


def _two(result: Any) -> tuple[int, list[str]]:
    if result is None:
        raise Fail("`None`", "(how many to create, [names to delete])", "the function has no `return`")
    try:
        create, delete = result
        names = list(delete)
        if any(isinstance(name, dict) for name in names):
            raise Fail("a list of pods", "a list of their names", 'take `pod["name"]` of each')
        return int(create), [str(name) for name in names]
    except (TypeError, ValueError):
        cause = "return two things: a number, and a list of names"
        raise Fail(f"`{result!r}`"[:80], "(how many to create, [names to delete])", cause) from None


@exercises.check(
    "2",
    "Where is it stuck?",
    hints=(
        "Go in the order of the text above: no node, no image, ends at once, runs but is not ready.",
        "`scheduled = any(c['type'] == 'PodScheduled' and c['status'] == 'True' for c in status['conditions'])`.",
        "`reason = container['state'].get('waiting', {}).get('reason', '')`; `'Image' in reason` finds both image reasons.",
    ),
    minutes=8,
)
def stuck(answer: Guarded) -> str:
    """Ask about pods in each of the states; names in any case are fine."""
    where = expect.function(answer)
    words = {name for name, _ in STUCK}
    for want, pod in STUCK:
        result = where(copy.deepcopy(pod))
        if result is None:
            raise Fail("`None`", f'"{want}"', 'a way through the function without `return`: end with `return "probe"`')
        saw = str(result).strip().lower()
        if saw not in words:
            raise Fail(f"`{result}`", f"one of {', '.join(sorted(words))}", "another word, or not a word")
        if saw == want:
            continue
        statuses = pod["status"].get("containerStatuses", [{}])[0].get("state", "no container yet")
        shown = f"{saw} for a pod in phase {pod['status']['phase']}, container {statuses}"
        causes = {
            "scheduler": "it has no node: PodScheduled is False, and there are no containerStatuses yet",
            "image": "waiting with ErrImagePull or ImagePullBackOff: both are about the image",
            "crash": "CrashLoopBackOff: it starts and ends again, though its phase is Running",
            "probe": "its container runs and Ready is False: phase Running does not mean that it serves",
            "serves": "Ready is True: it gets traffic",
        }
        raise Fail(shown, f'"{want}"', causes[want])
    return "Seven pods, five places. You can read `kubectl describe` now, and so can a program."


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
    return "A selector that matches, a volume for the mount: the API server will take it."


@exercises.check(
    "4",
    "What Pod Security refuses",
    hints=(
        "The four things that it asks for stand in its message, with the very values.",
        '`pod["securityContext"] = {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}}`',
        'On the container: `{"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}`.',
    ),
    may_change=True,
)
def secure(answer: Guarded) -> str:
    """Ask the four questions of the profile `restricted`, at the pod or at its container as Kubernetes allows."""
    before = _handed_over()
    after = _repaired(answer, before)
    if after == before:
        raise NotAttempted("The manifest is unchanged: change it in place, or return the changed one.")
    pod = after["spec"]["template"]["spec"]
    whole = pod.get("securityContext") or {}
    for container in pod["containers"]:
        own = container.get("securityContext") or {}
        merged = {**whole, **own}
        if merged.get("runAsNonRoot") is not True:
            raise Fail(
                f"runAsNonRoot {merged.get('runAsNonRoot')}", "True", "at the pod or at the container, a boolean"
            )
        if merged.get("runAsUser") == 0:
            raise Fail("runAsUser 0", "another user", "0 is root: runAsNonRoot and runAsUser 0 contradict each other")
        asked = merged.get("seccompProfile")
        profile = asked.get("type") if isinstance(asked, dict) else None
        if profile not in ("RuntimeDefault", "Localhost"):
            cause = 'a dictionary with a type: {"type": "RuntimeDefault"}'
            raise Fail(f"seccompProfile {merged.get('seccompProfile')}", "RuntimeDefault", cause)
        if own.get("allowPrivilegeEscalation") is not False:
            cause = "it belongs to the container, not to the pod"
            if "allowPrivilegeEscalation" in own:
                cause = "False, as a boolean"
            elif "allowPrivilegeEscalation" not in whole:
                cause = "the container must say it: left out means True"
            raise Fail(f"allowPrivilegeEscalation {own.get('allowPrivilegeEscalation')}", "False", cause)
        capabilities = own.get("capabilities") or {}
        drop = capabilities.get("drop") if isinstance(capabilities, dict) else capabilities
        if not isinstance(drop, list) or "ALL" not in drop:
            cause = "capabilities belong to the container, not to the pod"
            if "capabilities" not in whole:
                cause = 'a list with ALL in capital letters: {"drop": ["ALL"]}'
            raise Fail(f"capabilities drop {drop!r}", '["ALL"]', cause)
        extra = (own.get("capabilities") or {}).get("add") or []
        if set(extra) - {"NET_BIND_SERVICE"}:
            raise Fail(f"capabilities add {extra}", "none", "what was dropped is added again")
        if merged.get("privileged"):
            raise Fail("privileged", "not privileged", "a privileged container is root on the node")
    return "Four questions, four answers: a pod of this template may be made."


@exercises.check(
    "5",
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
    deployment = snapshot.get("Deployment", "predictor")
    if deployment is None:
        raise NotAttempted("There is no Deployment `predictor` in the namespace: apply the repaired manifest first.")
    containers = deployment["spec"]["template"]["spec"]["containers"]
    strangers = [one["name"] for one in containers if one["name"] != "predictor"]
    if strangers:
        cause = "a patch merges containers by name, and another name adds a container: write `predictor`"
        raise Fail(f"a container {strangers[0]} beside predictor", "one container, predictor", cause)
    if deployment["spec"]["replicas"] < 2:
        raise Fail(f"{deployment['spec']['replicas']} replica wanted", "2", "repair image and probe, leave the number")
    container = containers[0]
    image, probe = container["image"], container.get("readinessProbe") or {}
    status = deployment.get("status", {})
    pods = snapshot.pods_of("predictor")
    wanted = deployment["spec"]["replicas"]
    # Pods of an older template go away when the new ones are ready.
    newest = [pod for pod in pods if _like(pod["spec"]["containers"][0], container)]
    if newest and image == "predictor:latest" and (probe.get("httpGet") or {}).get("path") == "/ready.html":
        raise NotAttempted("Image and probe of `predictor` are still those that were handed over.")
    waiting = [_waiting(pod) for pod in newest]
    if any("Image" in reason for reason in waiting):
        cause = "no such image on this cluster: the events name those that there are"
        raise Fail(f"image {image}: {next(r for r in waiting if 'Image' in r)}", "an image that is there", cause)
    if "CrashLoopBackOff" in waiting:
        said = next((text for name, text in snapshot.logs.items() if name.startswith("predictor")), "")
        last = said.strip().splitlines()[-1:] or ["nothing"]
        raise Fail("a container that starts and ends again", "one that runs", f"its last words: {last[0]}")
    if not newest:
        refused = [text for text in snapshot.messages("ReplicaSet", "predictor") if "FailedCreate" in text]
        if refused:
            cause = "the last event of its ReplicaSet: " + refused[-1].partition("is forbidden: ")[2][:160]
            raise Fail("no pod of the Deployment", f"{wanted} pods", cause)
        raise Fail("no pod of the Deployment yet", f"{wanted} pods", "wait some seconds, and check again")
    if not probe:
        cause = "without a readiness probe a pod gets traffic before it can answer: keep the probe, repair its path"
        raise Fail("no readinessProbe", "a probe that succeeds", cause)
    ready = sum(_condition(pod, "Ready") for pod in newest)
    if ready < wanted or status.get("updatedReplicas", 0) < wanted or status.get("availableReplicas", 0) < wanted:
        # Of these pods only: those of an earlier template had other troubles.
        said = [text for pod in newest for text in snapshot.messages("Pod", pod["metadata"]["name"])]
        unhealthy = [text for text in said if "Readiness probe failed" in text][-1:]
        cause = "wait some seconds, and check again"
        if any("statuscode: 404" in text for text in unhealthy):
            page = (probe.get("httpGet") or {}).get("path")
            cause = f"the probe asks for {page} and gets 404: which pages does the ConfigMap have?"
        elif any("connection refused" in text for text in unhealthy):
            cause = "the probe is refused: it asks another port than the program listens on"
        raise Fail(f"{ready} of {wanted} pods ready", f"{wanted} ready", cause)
    if image.endswith(":latest") or ":" not in image:
        cause = "a tag that moves: tomorrow the same manifest is another program. Name a version"
        raise Fail(f"image {image}", "a tag that stays, such as labs-serve:1.0", cause)
    return f"{wanted} pods of {image}, and their probe succeeds."


@exercises.check(
    "6",
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
    if {"matchLabels", "matchExpressions"} & set(selector):
        cause = "that is a Deployment's way to write it; a Service's selector holds the labels themselves"
        raise Fail(f"selector {selector}", "{'app': ...}", cause)
    matching = [pod for pod in snapshot.all("Pod") if selector.items() <= (pod["metadata"].get("labels") or {}).items()]
    if selector == {"app": "model"} and not matching:
        raise NotAttempted("The Service `predictor` still looks for `app: model`, and finds nobody.")
    owned = {pod["metadata"]["name"] for pod in snapshot.pods_of("predictor")}
    strangers = [pod for pod in matching if pod["metadata"]["name"] not in owned]
    if not selector:
        raise Fail("a Service without selector", "the pods of `predictor`", "name the label of the pods in `selector`")
    if strangers and owned:
        cause = "it also finds pods of another Deployment: choose the label that only `predictor` has"
        raise Fail(f"selector {selector}", "only the pods of `predictor`", cause)
    if not matching:
        have: Object = next((pod["metadata"]["labels"] for pod in snapshot.pods_of("predictor")), {})
        shown = {name: value for name, value in have.items() if name != "pod-template-hash"}
        raise Fail(
            f"selector {selector}, and no pod with that label", f"labels {shown}", "whom does the Service look for?"
        )
    if not ready:
        raise Fail("no ready address behind the Service", "the addresses of its pods", "not ready yet: first 601.5")
    target = service["spec"]["ports"][0].get("targetPort")
    ports = matching[0]["spec"]["containers"][0].get("ports") or []
    known = [str(port[part]) for port in ports for part in ("name", "containerPort") if part in port]
    if str(target) not in known:
        cause = f"targetPort {target} is no port of the pods; they have {' or '.join(known)}"
        raise Fail(f"{len(ready)} addresses, and no port of theirs", "their port http, 8000", cause)
    return f"{len(ready)} addresses stand behind the Service: it answers."


def _like(one: Object, other: Object) -> bool:
    return all(one.get(part) == other.get(part) for part in ("image", "command", "readinessProbe"))


def _waiting(pod: Object) -> str:
    for status in pod.get("status", {}).get("containerStatuses") or []:
        reason = (status.get("state", {}).get("waiting") or {}).get("reason")
        if reason:
            return str(reason)
    return ""


def _condition(pod: Object, kind: str) -> bool:
    return any(c["type"] == kind and c["status"] == "True" for c in pod.get("status", {}).get("conditions") or [])


exercises.quiz(
    "a",
    "You run `kubectl delete pod` on one of three pods of a Deployment. What is there a minute later?",
    ("Two pods: what is deleted stays deleted.", False, "The pod is gone, but the wish for three is not: the ReplicaSet counts two and makes one."),
    ("The same three pods; the deleted one was restarted.", False, "A container is restarted in its pod. A deleted pod is gone for good; a new one has a new name."),
    ("Three pods, one of them with a new name.", True, "The ReplicaSet compares three with two, and makes one. It does not remember the old one."),
)  # fmt: skip
exercises.quiz(
    "b",
    "`kubectl apply` said `deployment.apps/predictor created`. What do you know?",
    ("Its pods run.", False, "Nobody has made them yet; that is what the controllers do afterwards, or fail to do."),
    ("The wish is stored, and it has the form of a Deployment.", True, "Apply ends at the API server. Whether it comes true is told later, by status and events: wait for the rollout."),
    ("Its images exist.", False, "The API server does not know any registry. The node finds out when it pulls."),
)  # fmt: skip
exercises.quiz(
    "c",
    "A pod is `Running`, READY is 0/1, RESTARTS is 0. Where do you look?",
    ("At the node: it has no room.", False, "Then the pod would be Pending, without a node."),
    ("At the image's name.", False, "The container runs, so the image was there."),
    ("At the liveness probe, which kills it.", False, "Then RESTARTS would count up."),
    ("At the readiness probe: it fails, or asks for the wrong thing.", True, "Running and not ready is the probe's word. The event `Unhealthy` says what it saw."),
)  # fmt: skip
exercises.quiz(
    "d",
    "A container has `limits: {memory: 128Mi}` and takes 200 MiB. What happens?",
    ("It gets slower.", False, "That is what a CPU limit does. Memory can't be given later."),
    ("It is killed, and started again: OOMKilled, exit code 137.", True, "Memory is not shared out by the second. 137 is 128 + 9, the kill signal."),
    ("The scheduler moves the pod to a larger node.", False, "A pod is placed once. And the scheduler looks at requests, not at limits or use."),
)  # fmt: skip
