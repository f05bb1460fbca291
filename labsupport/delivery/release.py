"""What a release adds to an overlay: which version the pods load, and of which digest it is."""

from pathlib import Path
from typing import Any

import yaml

PATCH = "release.yaml"
ANNOTATION = "labs/digest"


def patch(version: str, digest: str) -> dict[str, Any]:
    """Return the change of the Deployment: the folder's name is the version that answers say."""
    items = [{"key": "model.onnx", "path": f"{version}/model.onnx"}]
    volume = {"name": "models", "configMap": {"name": "model", "items": items}}
    pod = {"metadata": {"annotations": {ANNOTATION: digest[:12]}}, "spec": {"volumes": [volume]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "deploy-risk"},
        "spec": {"template": pod},
    }


def write(overlay: Path, version: str, digest: str) -> None:
    """Write the change into an overlay's folder, whose kustomization.yaml names it."""
    (overlay / PATCH).write_text(yaml.safe_dump(patch(version, digest), sort_keys=False))


def served(deployment: dict[str, Any]) -> tuple[str, str]:
    """Return the version that a Deployment's pods load, and the name of the ConfigMap that has it; empty where there is none."""
    for volume in deployment["spec"]["template"]["spec"].get("volumes") or []:
        found = volume.get("configMap") or {}
        items = found.get("items") or []
        if volume["name"] == "models" and items:
            return str(items[0]["path"]).partition("/")[0], str(found.get("name", ""))
    return "", ""
