"""A log of incidents: what was done, what came of it, and what is not known yet."""

import pytest

from labsupport import own

LOG = """incident;Time;symptom;action;who
7;2026-01-05T10:10:00Z;errors;roll back;Ada
7;2026-01-05T10:00:00Z;slow;wait;Ada
7;2026-01-05T10:14:30Z;recovered;;Ada
12;2026-01-05T11:00:00+01:00;slow;restart;Bo
9;2026-01-05T12:00:00Z;down;restart;Bo
9;2026-01-05T12:05:00Z;recovered;;Bo
"""


def test_each_action_has_its_minutes_and_what_came_after(tmp_path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(LOG)
    found = own.incidents(path)
    assert found[["incident", "symptom", "action", "minutes", "after"]].values.tolist() == [
        ["7", "slow", "wait", 10.0, "errors"],
        ["7", "errors", "roll back", 4.5, "recovered"],
        ["9", "down", "restart", 5.0, "recovered"],
    ]
    assert str(found.time.dt.tz) == "UTC"


def test_an_incident_that_is_open_and_nothing_else_gets_a_sentence(tmp_path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("incident,time,symptom,action\n1,2026-01-05T10:00:00Z,slow,wait\n")
    with pytest.raises(own.OwnDataError, match="not known"):
        own.incidents(path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("incident,time,action\n1,2026-01-05T10:00:00Z,wait\n", "line 1: no column symptom"),
        ("incident,time,symptom,action\n1,noon,slow,wait\n", "line 2: .*noon"),
        ("incident,time,symptom,action\n1,2026-01-05T10:00:00Z,slow\n", "line 2: 4 values"),
        (
            'incident,time,symptom,action\n1,2026-01-05T10:00:00Z,slow,"wait\n1,2026-01-05T11:00:00Z,over,\n',
            "line 2: its quotes",
        ),
    ],
)
def test_what_can_t_be_read_is_named_with_its_line(tmp_path, text: str, says: str) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(text)
    with pytest.raises(own.OwnDataError, match=says):
        own.incidents(path)


def test_in_the_example_the_quickest_step_is_not_the_shortest_way() -> None:
    log = own.incidents()
    slow = log[log.symptom == "slow"].groupby("action").minutes.mean()
    assert slow.idxmin() == "restart"
    assert (log.after[log.action == "restart"] == "recovered").mean() < (
        log.after[log.action == "scale"] == "recovered"
    ).mean()
