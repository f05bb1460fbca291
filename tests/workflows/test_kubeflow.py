"""Pipelines of the Kubeflow SDK here: their order follows their data, and what its local runner can't do."""

from pathlib import Path

import pytest

pytest.importorskip("kfp")
from kfp import dsl

from labsupport.workflows import kubeflow


@dsl.component(base_image="labs-train:1.0", install_kfp_package=False)
def say(word: str) -> str:
    return word


@dsl.component(base_image="labs-train:1.0", install_kfp_package=False)
def keep(word: str, file: dsl.Output[dsl.Dataset]):
    from pathlib import Path

    Path(file.path).write_text(word)


@dsl.pipeline
def chain(word: str):
    keep(word=say(word=word).output)


@dsl.pipeline
def gated(word: str):
    with dsl.If(say(word=word).output == "yes"):
        keep(word=word)


def test_who_takes_an_output_comes_after_it() -> None:
    assert kubeflow.order(kubeflow.compiled(chain)) == {"say": [], "keep": ["say"]}
    order = kubeflow.order(kubeflow.compiled(gated))
    assert (order["condition-1"], order["keep"]) == (["say"], ["condition-1"])


def test_it_runs_here_without_a_word_and_leaves_its_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = kubeflow.run_here(chain, tmp_path, word="yes")
    assert "SUCCESS" in log
    assert [file.read_text() for file in tmp_path.glob("*/keep/file")] == ["yes"]
    assert capsys.readouterr().out == ""


def test_a_condition_on_an_output_is_skipped_and_called_a_success(tmp_path: Path) -> None:
    # Lesson 603 tells this. When a newer SDK can do it, the lesson changes.
    log = kubeflow.run_here(gated, tmp_path, word="yes")
    assert "Condition evaluation failed" in log
    assert "SUCCESS" in log
    assert not list(tmp_path.glob("*/keep"))
