"""The score of a day, from its book alone."""

import pytest

from labsupport.gameday import score
from labsupport.gameday.book import REFERENCE, YOU


def incident(*then: tuple[float, str, dict]) -> list[dict]:
    return [{"at": 100.0, "what": "incident", "number": 1, "kind": "skew"}] + [
        {"at": 100.0 + after, "what": what, "number": 1, **said} for after, what, said in then
    ]


PAGE: tuple[float, str, dict] = (5.0, "page", {})
SAID: tuple[float, str, dict] = (20.0, "diagnosis", {"kind": "skew", "by": YOU})
DONE: tuple[float, str, dict] = (60.0, "repaired", {})


@pytest.mark.parametrize(
    ("then", "points"),
    [
        ((PAGE, SAID, DONE), (3, 3, 4)),
        (((61.0, "page", {}), SAID, DONE), (1, 3, 4)),
        ((PAGE, (20.0, "diagnosis", {"kind": "drift", "by": YOU}), DONE), (3, 0, 4)),
        ((PAGE, (20.0, "diagnosis", {"kind": "drift", "by": YOU}), SAID, DONE), (3, 1, 4)),
        ((PAGE, SAID, (451.0, "repaired", {})), (3, 3, 2)),
        ((PAGE, SAID), (3, 3, 0)),
        ((), (0, 0, 0)),
        (((34.0, "injected", {}), (61.0, "page", {}), SAID, (480.0, "repaired", {})), (3, 3, 4)),
        (((4.0, "injected", {}), (65.0, "page", {}), SAID, (455.0, "repaired", {})), (1, 3, 2)),
    ],
)
def test_points_for_detection_diagnosis_and_repair(then, points) -> None:
    (one,) = score.score(incident(*then))
    assert (one.detection, one.diagnosis, one.repair) == points
    assert one.total == sum(points) and one.by == "you"


def test_what_the_reference_did_anything_for_is_not_yours() -> None:
    entries = incident(PAGE, SAID, (30.0, "repair", {"by": REFERENCE}), DONE)
    points = score.score(entries)
    assert score.total(points) == 10
    assert score.total(points, "you") == 0 and score.total(points, REFERENCE) == 10


def test_a_day_without_incidents_has_no_points() -> None:
    assert score.score([{"at": 0.0, "what": "begin", "seed": 0}]) == []


def test_who_answers_while_it_still_happens_took_no_time() -> None:
    (one,) = score.score(incident(PAGE, (7.0, "injected", {}), SAID, DONE))
    assert one.detected_s == 0.0 and one.detection == 3


def test_the_second_page_is_no_later_detection() -> None:
    (one,) = score.score(incident(PAGE, (300.0, "page", {}), SAID, DONE))
    assert one.detected_s == 5.0 and one.detection == 3
