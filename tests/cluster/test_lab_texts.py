"""What a lab prints is the same in every run; a manifest is shown from its file. No cluster is needed here."""

from pathlib import Path

import pytest

from labsupport.cluster.show import show_yaml
from labsupport.cluster.tidy import tidy
from labsupport.errors import LabsError


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("web-7d4b9c6f5-x2vbn   1/1", "web-…-…   1/1"),
        ("replicaset.apps/web-7d4b9c6f5   3", "replicaset.apps/web-…   3"),
        ("pod/client-7x2vk   Completed", "pod/client-…   Completed"),
        ("10.244.0.7:8000 and 127.0.0.1:8000", "…:8000 and 127.0.0.1:8000"),
        ("pod   Running   3 (12s ago)   4m31s", "pod   Running   3 (… ago)   …"),
        ("NAME      READY     AGE", "NAME   READY   AGE"),
        ("spec:\n      containers:\n      - name: web", "spec:\n      containers:\n      - name: web"),
        ("deployment.apps/labs-serve created", "deployment.apps/labs-serve created"),
        ("my-prediction-server unchanged", "my-prediction-server unchanged"),
    ],
)
def test_generated_names_ages_and_addresses_are_cut_out(said: str, shown: str) -> None:
    assert tidy(said) == shown


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "two.yaml"
    path.write_text("# first\nkind: A\nspec: {list: [{x: 1}, {x: 2}]}\n---\nkind: B\nspec: 3\n")
    return path


def test_a_whole_manifest_is_shown_as_it_is_written(file: Path, capsys) -> None:
    show_yaml(file)
    assert capsys.readouterr().out == file.read_text()


def test_a_part_is_found_by_kind_and_path(file: Path, capsys) -> None:
    show_yaml(file, "spec.list.1")
    show_yaml(file, "spec", kind="B")
    assert capsys.readouterr().out == "# two.yaml, spec.list.1\nx: 2\n# two.yaml, B, spec\n3\n"


@pytest.mark.parametrize(
    ("part", "kind", "words"),
    [
        ("spec.list.2", "", "two.yaml has nothing at spec.list.2: '2' is not there"),
        ("spec.other", "", "'other' is not there"),
        ("spec.deeper", "B", "'deeper' is not there"),
        ("", "C", "two.yaml has no C; it has A, B"),
    ],
)
def test_what_is_not_there_is_named(file: Path, part: str, kind: str, words: str) -> None:
    with pytest.raises(LabsError, match=words):
        show_yaml(file, part, kind)


def test_a_file_that_is_missing_or_no_yaml_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabsError, match="There is no manifest"):
        show_yaml(tmp_path / "none.yaml", "spec")
    (tmp_path / "bad.yaml").write_text("a: [1")
    with pytest.raises(LabsError, match="is not YAML"):
        show_yaml(tmp_path / "bad.yaml", "spec")
