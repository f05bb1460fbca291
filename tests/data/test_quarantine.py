"""Quarantine keeps each bad row once, with its reasons, whatever is run again or interrupted."""

import json
import os

import pandas as pd
import pytest

from labsupport.data.deploy_contract import FAULTS, contract, deliveries
from labsupport.data.quality import inspect
from labsupport.data.quarantine import Quarantine
from labsupport.errors import LabsError

DAYS = deliveries(22, seed=4)
RULES = contract(DAYS[:20])


def bad_rows(day: pd.DataFrame) -> pd.DataFrame:
    return inspect(day, RULES, now=DAYS[-1].time.max()).split(day)[1]


@pytest.fixture
def quarantine(tmp_path) -> Quarantine:
    return Quarantine(tmp_path / "quarantine")


def test_rows_are_counted_kept_and_named_with_their_reasons(quarantine: Quarantine) -> None:
    day = FAULTS["negative sizes"](FAULTS["percent among shares"](DAYS[20], 0.02, 1), 0.02, 1)
    bad = bad_rows(day)
    assert quarantine.keep("deploys-20", bad) == len(bad)
    kept = quarantine.rows()
    assert kept.deploy_id.tolist() == bad.deploy_id.tolist()
    assert kept.coverage.fillna(-1).tolist() == bad.coverage.fillna(-1).tolist()
    assert set(kept.delivery) == {"deploys-20"}
    assert quarantine.counts().to_dict() == bad.reasons.str.split("; ").explode().value_counts().to_dict()


def test_the_second_run_of_a_delivery_counts_nothing_twice(quarantine: Quarantine) -> None:
    bad = bad_rows(FAULTS["negative sizes"](DAYS[20], 0.05, 1))
    quarantine.keep("deploys-20", bad)
    assert quarantine.keep("deploys-20", bad) == 0
    assert len(quarantine.rows()) == len(bad)


def test_a_repaired_delivery_leaves_quarantine_and_others_stay(quarantine: Quarantine) -> None:
    quarantine.keep("deploys-20", bad_rows(FAULTS["negative sizes"](DAYS[20], 0.05, 1)))
    quarantine.keep("deploys-21", bad_rows(FAULTS["negative sizes"](DAYS[21], 0.05, 1)))
    assert quarantine.keep("deploys-20", bad_rows(DAYS[20])) == 0
    assert set(quarantine.rows().delivery) == {"deploys-21"}


def test_an_interrupted_run_leaves_what_was_there(quarantine: Quarantine, monkeypatch) -> None:
    first = bad_rows(FAULTS["negative sizes"](DAYS[20], 0.05, 1))
    quarantine.keep("deploys-20", first)

    def cut_off(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", cut_off)
    with pytest.raises(KeyboardInterrupt):
        quarantine.keep("deploys-20", bad_rows(FAULTS["negative sizes"](DAYS[20], 0.1, 1)))
    monkeypatch.undo()
    assert len(quarantine.rows()) == len(first)
    assert [path.name for path in quarantine.folder.iterdir()] == ["deploys-20.jsonl"]


def test_a_damaged_file_is_named_with_its_line(quarantine: Quarantine) -> None:
    quarantine.keep("deploys-20", bad_rows(FAULTS["negative sizes"](DAYS[20], 0.05, 1)))
    path = quarantine.folder / "deploys-20.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], lines[1][:20]]))
    with pytest.raises(LabsError, match="deploys-20.jsonl, line 2, is damaged. Run the delivery deploys-20 again"):
        quarantine.rows()


def test_each_line_is_json_that_other_programs_read(quarantine: Quarantine) -> None:
    quarantine.keep("deploys-20", bad_rows(FAULTS["text for numbers"](DAYS[20], 0.02, 1)))
    for line in (quarantine.folder / "deploys-20.jsonl").read_text().splitlines():
        row = json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
        assert row["coverage"] == "n/a" and row["time"].startswith("2024-03-24T")


def test_rows_without_reasons_and_names_that_lead_elsewhere_are_refused(quarantine: Quarantine) -> None:
    with pytest.raises(ValueError, match="each row in quarantine has a reason"):
        quarantine.keep("deploys-20", DAYS[20][:2])
    for name in ("../elsewhere", "", "a/b", ".hidden"):
        with pytest.raises(LabsError, match="can't name a delivery"):
            quarantine.keep(name, DAYS[20][:0])


def test_an_empty_quarantine_counts_nothing(quarantine: Quarantine) -> None:
    assert len(quarantine.rows()) == 0
    assert quarantine.counts().to_dict() == {}
