"""The feature job's words: what can't be read is a sentence, and nothing is done."""

import pytest

from labsupport.apps import feature_job


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["refresh", "--rename", "asia"], "--rename asia is no pair of names: write OLD=NEW"),
        (["refresh", "--rename", "a=b", "--rename", "=asia"], "--rename =asia is no pair"),
        (["record", "--monday", "yesterdy"], "--monday yesterdy is no time"),
    ],
)
def test_words_that_can_not_be_read_are_a_sentence(tmp_path, capsys, words, said) -> None:
    assert feature_job.main([*words, "--store", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"feature_job: {said}") and told.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
