"""Give a pod its volumes: each becomes a folder on this machine, kept up to date where its source may change."""

import asyncio
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

from labsupport.cluster.pocket.node import fields, names, references, tasks, variables
from labsupport.cluster.pocket.node.api import ApiError, Json
from labsupport.cluster.pocket.node.files import File, write_files
from labsupport.cluster.pocket.node.node import Node
from labsupport.cluster.pocket.node.pod import Container, Pod
from labsupport.cluster.pocket.node.references import NotFound
from labsupport.files import remove_folder

# Every pod mounts this one, and it never changes while a cluster lives.
_ROOT_CERTIFICATE = "kube-root-ca.crt"
_TOKEN_SECONDS = 3607
# A token is renewed when four fifths of its life are over, as by the kubelet.
_RENEW_AFTER = 0.8
# Between two tries to make a volume anew, in seconds.
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
# A ConfigMap with it wants these Services' names replaced in its mounted copy, for programs that can't ask us for names.
_NAMES = "labs/pocket-names"
_FILE_SOURCES = ("configMap", "secret", "downwardAPI", "projected")
log = logging.getLogger("volumes")


class MountFailed(Exception):
    """A volume can't be had (yet); the text is the kubelet's."""


async def set_up(pod: Pod, node: Node) -> None:
    """Make all volumes of a pod. Raises MountFailed with the first one that is missing something."""
    for volume in pod.spec.get("volumes") or []:
        try:
            pod.volumes[volume["name"]] = await _make(pod, volume, node)
        except (NotFound, ValueError, ApiError, OSError) as error:
            raise MountFailed(f'MountVolume.SetUp failed for volume "{volume["name"]}" : {error}') from error


def mounts_of(pod: Pod, container: Container) -> dict[str, Path]:
    """Return where each mountPath of a container lies on this machine. Raises variables.ConfigError."""
    mounts: dict[str, Path] = {}
    for number, mount in enumerate(container.spec.get("volumeMounts") or []):
        place = pod.volumes[mount["name"]]
        if inner := mount.get("subPath") or _expanded(pod, container, mount.get("subPathExpr", "")):
            if inner.startswith("/") or ".." in Path(inner).parts:
                raise variables.ConfigError(
                    f'failed to prepare subPath for volumeMount "{mount["name"]}" of container "{container.name}"'
                )
            copy = pod.folder / "subpaths" / f"{container.name}-{number}"
            place = _frozen(place, inner, copy) if (place / "..data").exists() else place / inner
            if not place.exists():
                place.mkdir(parents=True)
        mounts[mount["mountPath"].rstrip("/") or "/"] = place
    return mounts


def _expanded(pod: Pod, container: Container, expression: str) -> str:
    entries = container.spec.get("env") or []
    known = {entry["name"]: entry.get("value") or _own_field(pod, entry) for entry in entries if expression}
    return variables.expand(expression, known)


def _frozen(volume: Path, inner: str, copy: Path) -> Path:
    """Copy one file or folder of a ConfigMap or Secret: what is mounted by subPath never follows its source."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    source = volume / inner
    if source.is_dir():
        remove_folder(copy)
        shutil.copytree(source, copy)
    elif source.exists():
        # The one of the start before may be read-only.
        copy.unlink(missing_ok=True)
        shutil.copy(source, copy)
    return copy


async def follow(pod: Pod, node: Node) -> None:
    """Write a pod's files again whenever a ConfigMap or Secret of its volumes changes, and renew its tokens; for ever."""
    volumes = pod.spec.get("volumes") or []

    async def renew(volume: Json) -> None:
        while True:
            await asyncio.sleep(_token_seconds(volume) * _RENEW_AFTER)
            await _make_until_done(pod, volume, node, _never)

    async def watch(kind: str, name: str) -> None:
        users = [volume for volume in volumes if (kind, name) in _named([volume])]
        path = f"/api/v1/namespaces/{pod.namespace}/{kind}s?fieldSelector=metadata.name%3D{name}"
        await node.api.watch(path, lambda *change: _make_again(pod, users, node))

    renewals = (renew(volume) for volume in volumes if _has(volume, "serviceAccountToken"))
    await tasks.together(*renewals, *(watch(kind, name) for kind, name in sorted(_named(volumes))))


async def refresh_fields(pod: Pod, node: Node) -> None:
    """Write files that tell of the pod's own labels and annotations again."""
    volumes = [volume for volume in pod.spec.get("volumes") or [] if _has(volume, "downwardAPI")]
    await _make_again(pod, [volume for volume in volumes if not _has(volume, "serviceAccountToken")], node)


async def _make_again(pod: Pod, volumes: list[Json], node: Node) -> None:
    for volume in volumes:
        await _make_until_done(pod, volume, node, _is_final)


def _is_final(error: Exception) -> bool:
    """Tell whether only a change of the source can help: while that is deleted, a volume keeps what it has."""
    return isinstance(error, NotFound | ValueError)


def _never(error: Exception) -> bool:
    """A token ends of itself, so its renewal is tried as long as the pod lives."""
    return False


async def _make_until_done(pod: Pod, volume: Json, node: Node, is_final: Callable[[Exception], bool]) -> None:
    """Make a volume anew; after an error try again, less and less often."""
    pause = _FIRST_PAUSE
    while not pod.gone.is_set():
        try:
            await _make(pod, volume, node)
            return
        except Exception as error:
            log.info("volume %s of %s/%s: %r", volume["name"], pod.namespace, pod.name, error)
            if is_final(error):
                return
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _token_seconds(volume: Json) -> float:
    """Return how long the shortest-lived token of a volume lives."""
    wanted = [source["serviceAccountToken"] for source in _sources(volume) if "serviceAccountToken" in source]
    return min(float(token.get("expirationSeconds") or _TOKEN_SECONDS) for token in wanted)


async def _make(pod: Pod, volume: Json, node: Node) -> Path:
    folder: Path = pod.folder / "volumes" / volume["name"]
    if "emptyDir" in volume:
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    if "hostPath" in volume:
        return _host_path(volume["hostPath"])
    if "persistentVolumeClaim" in volume:
        return await _claimed(pod.namespace, volume["persistentVolumeClaim"]["claimName"], node)
    if "ephemeral" in volume:
        return await _claimed(pod.namespace, f"{pod.name}-{volume['name']}", node)
    kind = next((kind for kind in _FILE_SOURCES if kind in volume), None)
    if kind is None:
        raise ValueError(f"this node has no volumes of the kind {', '.join(set(volume) - {'name'})}")
    mode = volume[kind].get("defaultMode", 0o644)
    files: dict[str, File] = {}
    for source in _sources(volume):
        files |= await _files(pod, source, mode, node)
    write_files(folder, files)
    return folder


def _sources(volume: Json) -> list[Json]:
    """Return a volume's sources in the form of a projected volume's, whatever its kind."""
    if "projected" in volume:
        return list(volume["projected"].get("sources") or [])
    if "secret" in volume:
        return [{"secret": {**volume["secret"], "name": volume["secret"].get("secretName")}}]
    return [{kind: volume[kind]} for kind in ("configMap", "downwardAPI") if kind in volume]


def _has(volume: Json, kind: str) -> bool:
    return any(kind in source for source in _sources(volume))


def _named(volumes: list[Json]) -> set[tuple[str, str]]:
    named = set()
    for source in (source for volume in volumes for source in _sources(volume)):
        for key, kind in (("configMap", "configmap"), ("secret", "secret")):
            if key in source and source[key]["name"] != _ROOT_CERTIFICATE:
                named.add((kind, source[key]["name"]))
    return named


async def _files(pod: Pod, source: Json, mode: int, node: Node) -> dict[str, File]:
    if "serviceAccountToken" in source:
        wanted = source["serviceAccountToken"]
        return {wanted["path"]: File((await _token(pod, wanted, node)).encode(), mode)}
    if "downwardAPI" in source:
        return {
            item["path"]: File(_own_field(pod, {"valueFrom": item}).encode(), item.get("mode", mode))
            for item in source["downwardAPI"].get("items") or []
        }
    key, kind = ("configMap", "configmap") if "configMap" in source else ("secret", "secret")
    if key not in source:
        raise ValueError(f"this node can't project {', '.join(source)}")
    wanted = source[key]
    try:
        found = await references.fetch(node, kind, pod.namespace, wanted["name"])
        data = references.data_of(kind, found)
    except NotFound:
        if wanted.get("optional"):
            return {}
        raise
    if named := (found.get("metadata", {}).get("annotations") or {}).get(_NAMES):
        hosts = node.layout.hosts
        data = {key: names.filled(text.decode(), named, hosts, pod.namespace).encode() for key, text in data.items()}
    items = wanted.get("items")
    if items is None:
        return {name: File(content, mode) for name, content in data.items()}
    files = {}
    for item in items:
        if item["key"] in data:
            files[item["path"]] = File(data[item["key"]], item.get("mode", mode))
        elif not wanted.get("optional"):
            raise ValueError(
                f"{kind} references non-existent {'config' if kind == 'configmap' else 'secret'} key: {item['key']}"
            )
    return files


async def _token(pod: Pod, wanted: Json, node: Node) -> str:
    account = pod.spec.get("serviceAccountName", "default")
    bound = {"apiVersion": "v1", "kind": "Pod", "name": pod.name, "uid": pod.uid}
    spec: Json = {"expirationSeconds": wanted.get("expirationSeconds", _TOKEN_SECONDS), "boundObjectRef": bound}
    if wanted.get("audience"):
        spec["audiences"] = [wanted["audience"]]
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
    path = f"/api/v1/namespaces/{pod.namespace}/serviceaccounts/{account}/token"
    return str((await node.api.request("POST", path, body))["status"]["token"])


async def _claimed(namespace: str, claim: str, node: Node) -> Path:
    found = await node.api.get(f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/{claim}")
    name = found["spec"].get("volumeName")
    if not name or found.get("status", {}).get("phase") != "Bound":
        raise ValueError(f'persistentvolumeclaim "{claim}" is not bound')
    volume = (await node.api.get(f"/api/v1/persistentvolumes/{name}"))["spec"]
    source = volume.get("hostPath") or volume.get("local")
    if source is None:
        raise ValueError(f'persistentvolume "{name}" is of a kind that this node does not have')
    return _host_path({"type": "", **source})


def _host_path(source: Json) -> Path:
    path, kind = Path(source["path"]), source.get("type") or ""
    if kind == "DirectoryOrCreate":
        path.mkdir(parents=True, exist_ok=True)
    elif kind == "FileOrCreate":
        path.touch(exist_ok=True)
    elif (kind == "Directory" and not path.is_dir()) or (kind == "File" and not path.is_file()):
        raise ValueError(f"hostPath type check failed: {path} is not a {kind.lower()}")
    elif not path.exists():
        # A container runtime makes the folder that it is told to mount.
        path.mkdir(parents=True)
    return path


def _own_field(pod: Pod, entry: Json) -> str:
    source = entry.get("valueFrom") or {}
    if "fieldRef" in source:
        return fields.field(pod, source["fieldRef"]["fieldPath"])
    if "resourceFieldRef" in source:
        return fields.resource(pod, source["resourceFieldRef"])
    return ""
