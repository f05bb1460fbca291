"""The day's models: versions signed by the builder's key, in ConfigMaps, and an alias that says which one is champion."""

import base64
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from labsupport import files, scratch
from labsupport.cluster.lab import Lab
from labsupport.errors import LabsError
from labsupport.security import signatures

if TYPE_CHECKING:
    import pandas as pd

NAME = "deploy-risk"
CHAMPION, CHALLENGER, BAD = "1", "2", "3"


@dataclass
class Registry:
    """Which versions there are and what each learnt from; the alias `champion` stands in the ConfigMap `registry`, too.

    `home`: where the builder keeps the private key and the notes, so that another process can go on.
    """

    lab: Lab
    home: Path
    threshold: float
    learnt: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def add(self, version: str, pipeline: Any, records: "pd.DataFrame") -> None:
        """Export, sign and store a model as a version that nobody serves yet."""
        from labsupport.ml import deploy_risk
        from labsupport.serving import export

        folder = scratch.folder("615") / f"{NAME}-{version}"
        how: dict[str, Any] = {"front": NAME, "threshold": self.threshold}
        export.export_sklearn(pipeline, folder, deploy_risk.features(records), deploy_risk.UNITS, **how)
        signatures.sign(folder, _key(self.home), name=NAME, version=version)
        stored = {path.name: path for path in folder.iterdir()}
        put(self.lab, configmap(f"model-{version}", files=stored))
        self.learnt[version] = columns_of(records)
        self._note()

    def next(self) -> str:
        """Return the version after the newest."""
        return str(max(map(int, self.learnt), default=0) + 1)

    def alias(self, version: str) -> None:
        """Make a version champion in the books (what is served is another matter)."""
        said = {"champion": version, "versions": " ".join(sorted(self.learnt, key=int))}
        put(self.lab, configmap("registry", said))

    def _note(self) -> None:
        notes = {"threshold": self.threshold, "learnt": self.learnt}
        files.write_private(self.home / "registry.json", json.dumps(notes).encode())


def load(lab: Lab, home: Path) -> Registry:
    """Return the registry of a day that another process began; raises LabsError when there is none."""
    try:
        notes = json.loads((home / "registry.json").read_text())
    except OSError:
        raise LabsError("There is no game day under way: begin one with `labs gameday start`.") from None
    return Registry(lab, home, notes["threshold"], notes["learnt"])


def first(lab: Lab, home: Path, seed: int) -> Registry:
    """Store the day's first three versions: the champion, another one that is as good, and one whose inputs are not scaled."""
    import copy

    from labsupport.ml import deploy_risk
    from labsupport.world import deploy_records

    now, other = deploy_risk.train(seed=seed), deploy_risk.train(seed=seed + 100)
    records = deploy_records(2_000, seed=seed)[0]
    home.mkdir(parents=True, exist_ok=True)
    key = signatures.new_key()
    files.write_private(home / "builder.key", key.private_bytes_raw())
    put(lab, configmap("signers", {"builders.pem": signatures.public_pem(key).decode()}))
    registry = Registry(lab, home, float(now.threshold))
    bare = copy.copy(now.pipeline[-1])
    bare.feature_names_in_ = deploy_risk.features(records).columns.to_numpy()
    for version, model in {CHAMPION: now.pipeline, CHALLENGER: other.pipeline, BAD: bare}.items():
        registry.add(version, model, records)
    registry.alias(CHAMPION)
    return registry


def serve(lab: Lab, deployment: str, version: str, seconds: float = 180) -> None:
    """Let a Deployment serve a version, and wait until it does."""
    change = {
        "spec": {"template": {"spec": {"volumes": [{"name": "model", "configMap": {"name": f"model-{version}"}}]}}}
    }
    lab.ask(f"kubectl patch deployment {deployment} -p '{json.dumps(change)}'")
    lab.wait(f"deployment/{deployment}", seconds=seconds)


def columns_of(records: "pd.DataFrame") -> dict[str, list[float]]:
    """Return the columns of deploy records that a model needs, as numbers."""
    from labsupport.ml.deploy_columns import NEEDED

    return {name: [float(value) for value in records[name]] for name in NEEDED}


def put(lab: Lab, *items: dict[str, Any]) -> None:
    """Apply objects and say nothing; raises LabsError with the API server's words when it refuses."""
    lab.cluster.kubectl("-n", lab.namespace, "apply", "-f", "-", stdin=yaml.safe_dump_all(items, sort_keys=False))


def configmap(name: str, data: dict[str, str] | None = None, files: dict[str, Path] | None = None) -> dict[str, Any]:
    """Return a ConfigMap with texts and files."""
    meta = {"name": name, "labels": {"app.kubernetes.io/part-of": "labs", "app": name}}
    content = {key: base64.b64encode(path.read_bytes()).decode() for key, path in (files or {}).items()}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data or {}, "binaryData": content}


def _key(home: Path) -> Any:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes((home / "builder.key").read_bytes())
