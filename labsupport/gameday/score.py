"""The score of a day, from its book alone: ten points an incident for time to detect, diagnosis and repair."""

from collections.abc import Sequence
from dataclasses import dataclass

from labsupport.gameday.book import REFERENCE, Entry, injected

DETECT_S, REPAIR_S = 60.0, 450.0  # six incidents of seven and a half minutes are the day's 45
DETECTED, DIAGNOSED, REPAIRED = 3, 3, 4
MOST = DETECTED + DIAGNOSED + REPAIRED


@dataclass(frozen=True)
class Points:
    """What an incident gave: seconds until it was noticed and repaired (None: never), points, and by whom.

    `said`: the diagnoses in their order. `by`: "you", or "the reference" where that did anything for you.
    """

    number: int
    kind: str
    detected_s: float | None
    said: tuple[str, ...]
    repaired_s: float | None
    detection: int
    diagnosis: int
    repair: int
    by: str

    @property
    def total(self) -> int:
        """All three, 0 to 10."""
        return self.detection + self.diagnosis + self.repair


def score(entries: Sequence[Entry]) -> list[Points]:
    """Return the points of each incident that was injected.

    Detection: 3 for a page that was answered within a minute, 1 later. Diagnosis: 3 for the right one at first, 1 later.
    Repair: 4 for one that was looked at and found good within seven and a half minutes, 2 later.
    Both times begin when the incident was there, not when a busy machine began to make it.
    """
    found = []
    for one in injected(list(entries)):
        mine = [entry for entry in entries if entry.get("number") == one["number"]]
        begun = next((entry["at"] for entry in mine if entry["what"] == "injected"), one["at"])
        paged = next((max(0.0, entry["at"] - begun) for entry in mine if entry["what"] == "page"), None)
        said = tuple(str(entry["kind"]) for entry in mine if entry["what"] == "diagnosis")
        done = next((entry["at"] - begun for entry in mine if entry["what"] == "repaired"), None)
        helped = any(entry.get("by") == REFERENCE for entry in mine)
        detection = 0 if paged is None else DETECTED if paged <= DETECT_S else 1
        diagnosis = 0 if one["kind"] not in said else DIAGNOSED if said[0] == one["kind"] else 1
        repair = 0 if done is None else REPAIRED if done <= REPAIR_S else 2
        by = REFERENCE if helped else "you"
        found.append(Points(one["number"], one["kind"], paged, said, done, detection, diagnosis, repair, by))
    return found


def total(points: Sequence[Points], by: str = "") -> int:
    """Return the sum of the points, of all incidents or of those that somebody handled."""
    return sum(one.total for one in points if by in ("", one.by))
