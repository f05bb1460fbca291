"""The model's repository holds all that its workflow file runs."""

from labsupport.data.repository import Workshop
from labsupport.delivery import repository


def test_the_models_repository_holds_what_its_workflow_runs() -> None:
    workshop = Workshop()
    repo = repository.make(workshop)
    repository.commit(repo, "It is all there")
    kept = set(repo.must("git ls-files").splitlines())
    workshop.close()
    assert {
        ".github/workflows/deliver.yml",
        "train.py",
        "scripts/smoke_test.py",
        "tests/test_recipe.py",
        "k8s/base/server.yaml",
    } <= kept
    assert not [name for name in kept if name.endswith(("model.onnx", "release.yaml"))]
