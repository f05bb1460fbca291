"""Make manifests/611/gateway-api.yaml from the pinned Go module: python -m tests.manifests.gateway_api (needs Go and the network)."""

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import yaml

from labsupport import paths

MODULE, VERSION = "sigs.k8s.io/gateway-api", "v1.6.3"
FILE = paths.course_root() / "manifests" / "611" / "gateway-api.yaml"
# What Traefik's provider watches, whether there are any or not.
KINDS = ("gatewayclasses", "gateways", "httproutes", "referencegrants", "grpcroutes", "backendtlspolicies", "tlsroutes")
HEAD = f"""# Kinds of the Gateway API {VERSION}, standard channel, as the Go module {MODULE} has them in config/crd/standard.
# Apache License 2.0, Copyright The Kubernetes Authors. Changed by us: labels are added; descriptions, and versions besides v1 that
# nothing is stored in, are left out. Traefik is built against this version. Made by: python -m tests.manifests.gateway_api
"""


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def without_descriptions(value: Any, names: bool = False) -> Any:
    """Return a part of a schema without its descriptions; `names`: its keys are names of fields, of which one may be so called."""
    if isinstance(value, dict):
        kept = {key: part for key, part in value.items() if names or key != "description" or isinstance(part, dict)}
        return {key: without_descriptions(part, key == "properties" and not names) for key, part in kept.items()}
    return [without_descriptions(part) for part in value] if isinstance(value, list) else value


def in_use(version: dict[str, Any]) -> bool:
    """Tell whether a version of a kind is asked for, or objects are stored in it."""
    return version["name"] == "v1" or bool(version["storage"])


def made_from(folder: Path) -> str:
    """Return the text of the file, from the module's folder."""
    parts = []
    for kind in KINDS:
        text = (folder / "config" / "crd" / "standard" / f"gateway.networking.k8s.io_{kind}.yaml").read_text()
        item = without_descriptions(yaml.safe_load(text))
        item["spec"]["versions"] = list(filter(in_use, item["spec"]["versions"]))
        given = item["metadata"].get("labels", {})
        item["metadata"]["labels"] = {"app.kubernetes.io/part-of": "labs", "labs/lab": "611", **given}
        parts.append(yaml.dump(item, Dumper=_Plain, sort_keys=False, width=160, default_flow_style=None))
    return HEAD + "---\n".join(parts)


def main() -> None:
    """Fetch the module and write the file."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "go.mod").write_text("module fetch\n")
        words = ["go", "mod", "download", "-json", f"{MODULE}@{VERSION}"]
        said = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)
        FILE.write_text(made_from(Path(json.loads(said.stdout)["Dir"])))


if __name__ == "__main__":
    main()
