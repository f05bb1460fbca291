"""What a release adds to the overlays, which kustomize puts together."""

import shutil
import subprocess

import pytest
import yaml

from labsupport import variables
from labsupport.cluster import kubectl
from labsupport.cluster.lab import manifests_of
from labsupport.delivery import release, store


@pytest.mark.parametrize("name", ["staging", "production"])
def test_an_overlay_serves_the_released_version_under_its_own_names(name, tmp_path, kubernetes_programs) -> None:
    folder = tmp_path / "k8s"
    shutil.copytree(manifests_of("613"), folder)
    overlay = folder / "overlays" / name
    made = []
    for content in (b"a model", b"another"):
        (overlay / "model.onnx").write_bytes(content)
        release.write(overlay, "12", store.digest_of(overlay / "model.onnx"))
        built = subprocess.run(
            [kubectl.find(), "kustomize", overlay], capture_output=True, text=True, env=variables.for_kubectl()
        )
        assert built.returncode == 0, built.stderr
        made.append({item["kind"]: item for item in yaml.safe_load_all(built.stdout)})
    first, second = made
    assert {item["metadata"]["name"].partition("-")[0] for item in first.values()} == {name}
    assert {item["metadata"]["namespace"] for item in first.values()} == {"lab-613"}
    assert release.served(first["Deployment"]) == ("12", first["ConfigMap"]["metadata"]["name"])
    assert first["ConfigMap"]["metadata"]["name"] != second["ConfigMap"]["metadata"]["name"]
    pods = first["Deployment"]["spec"]["template"]["metadata"]
    assert first["Service"]["spec"]["selector"].items() <= pods["labels"].items()
    assert pods["labels"]["environment"] == name


def test_a_deployment_without_a_model_serves_none() -> None:
    assert release.served({"spec": {"template": {"spec": {}}}}) == ("", "")
