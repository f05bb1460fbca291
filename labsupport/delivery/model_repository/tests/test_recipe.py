"""What must hold before a minute of training is spent."""

from pathlib import Path

import yaml

from labsupport.delivery import training


def test_the_recipe_can_be_read():
    assert training.read(Path("recipe.yaml")).records >= 1_000


def test_both_overlays_use_the_same_base():
    for name in ("staging", "production"):
        overlay = yaml.safe_load(Path(f"k8s/overlays/{name}/kustomization.yaml").read_text())
        assert overlay["resources"] == ["../../base"]
