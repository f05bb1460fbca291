"""DVC's settings, by DVC's own schema."""

import pytest

from labsupport.data import dvc_config


def test_settings_come_as_sections_with_their_options() -> None:
    found = dvc_config.read("[core]\nremote = store\n['remote \"store\"']\nurl = s3://bucket/dvc\n")
    assert found["core"]["remote"] == "store" and found["remote"]["store"]["url"] == "s3://bucket/dvc"


def test_an_option_that_dvc_does_not_know_is_named() -> None:
    with pytest.raises(dvc_config.Refused) as caught:
        dvc_config.read("['remote \"store\"']\nurl = s3://bucket/dvc\nstoragepath = x\n")
    assert caught.value.option == "storagepath"


def test_a_text_without_sections_is_refused_in_dvcs_own_words() -> None:
    with pytest.raises(dvc_config.Refused, match=".") as caught:
        dvc_config.read("remote = store\n")
    assert caught.value.option == ""
