"""What somebody on call does: answer the page, look, say what it is, repair, and let the repair be looked at."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from labsupport import paths
from labsupport.cluster import waiting
from labsupport.cluster.lab import Lab
from labsupport.cluster.snapshot import Snapshot, take
from labsupport.errors import LabsError
from labsupport.gameday import book, desk, facts, incidents, plan, repairs, score, system, versions
from labsupport.monitoring.prometheus import Prometheus

PAGE_S, REPAIRED_S = 120, 90


@dataclass
class Day:
    """One day on one cluster. Several processes may work on it: what they share stands in the book and on the cluster."""

    lab: Lab
    registry: versions.Registry
    book: book.Book
    seed: int

    def next(self) -> bool:
        """Let the plan's next incident happen, and say nothing of it; returns whether there was one left.

        One that is not repaired yet stays the only one: running a cell again injects nothing.
        """
        entries = self.book.entries()
        if book.under_way(entries):
            print("An incident is under way: repair it first.")
            return True
        left = plan.day(self.seed)[len(book.injected(entries)) :]
        if not left:
            print("The day is over.")
            return False
        self.inject(left[0])
        print(f"Incident {left[0].number} of {len(plan.KINDS)} has happened.")
        return True

    def inject(self, incident: plan.Incident) -> None:
        """Let an incident happen."""
        self.book.write("incident", number=incident.number, kind=incident.kind, target=incident.target)
        incidents.inject(self.lab, incident)

    def page(self, seconds: float = PAGE_S) -> list[str]:
        """Wait until an alert fires, say which, and write down that you have seen it; returns the alerts' names."""
        one = self._under_way()
        with self._prometheus() as prometheus:
            firing = waiting.until(lambda: _firing(prometheus), "an alert fires", seconds, 0.5)
        seen = {entry["alert"] for entry in self.book.entries() if entry["what"] == "alert" and entry["number"] == one["number"]}
        for alert in firing:
            name = alert["labels"]["alertname"]
            if name not in seen:
                begun = datetime.fromisoformat(alert["activeAt"]).timestamp()
                self.book.write("alert", number=one["number"], alert=name, at=max(begun, one["at"]))
            print(f"{name}: {alert['annotations']['summary']}")
        if not any(entry["what"] == "page" and entry["number"] == one["number"] for entry in self.book.entries()):
            self.book.write("page", number=one["number"])
        return sorted({alert["labels"]["alertname"] for alert in firing})

    def facts(self) -> facts.Facts:
        """Look at the cluster, at Prometheus and at the ledger."""
        with self._prometheus() as prometheus:
            answers = {name: prometheus.value(query, 0.0) for name, query in facts.QUERIES.items()}
            alerts = sorted({alert["labels"]["alertname"] for alert in _firing(prometheus)})
        with contextlib.suppress(LabsError):
            return facts.of(_look(self.lab), answers, alerts, desk.rows(self.lab))
        return facts.of(_look(self.lab), answers, alerts, [])

    def diagnose(self, kind: Any = ...) -> str:
        """Say what it is: one of drift, skew, oom, rollout, stale, poison. The stub lets the reference say it."""
        one = self._under_way()
        if kind is ...:
            said, by = facts.kind_of(self.facts()), book.REFERENCE
            print(f"The reference says: {said or 'nothing is wrong'}.")
        else:
            said, by = str(kind).strip().lower(), book.YOU
            if said not in plan.KINDS:
                raise LabsError(f"A diagnosis is one of {', '.join(plan.KINDS)}; it was {kind!r:.40}.")
            print(f"Written down: {said}, {plan.MEANING[said]}.")
        self.book.write("diagnosis", number=one["number"], kind=said, by=by)
        return said

    def repair(self, what: Any = ...) -> None:
        """Do a repair: lines for kubectl, or a function of this day. The stub changes nothing: `repaired` then looks first."""
        one = self._under_way()
        if what is ...:
            return
        self.book.write("repair", number=one["number"], by=book.YOU)
        if callable(what):
            what(self)
            return
        for line in [what] if isinstance(what, str) else what:
            self.lab.kubectl(line)

    def repaired(self, seconds: float = REPAIRED_S, attempted: bool = False) -> bool:
        """Look whether the incident is over, and write it down; where nobody has `attempted` a repair, the reference does it.

        Returns whether it is over. What is left of it is said in a sentence.
        """
        one = self._under_way()
        kind = one["kind"]
        tried = attempted or any(
            entry["what"] == "repair" and entry["number"] == one["number"] for entry in self.book.entries()
        )
        if not tried and facts.unmet(kind, self.facts()):
            print(f"Nobody has repaired it: the reference does ({kind}).")
            since = next((e["at"] for e in self.book.entries() if e["what"] == "alert" and e["number"] == one["number"]), one["at"])
            self.book.write("repair", number=one["number"], by=book.REFERENCE)
            repairs.repair(self.lab, self.registry, kind, since)
        left = ["not looked at yet"]

        def over() -> bool:
            left[0] = facts.unmet(kind, self.facts())
            return not left[0]

        try:
            waiting.until(over, "it is over", seconds, 0.5)
        except LabsError:
            print(f"It is not over: {left[0]}.")
            return False
        self.book.write("repaired", number=one["number"])
        print("It is over.")
        return True

    def points(self) -> list[score.Points]:
        """Return what each incident gave so far."""
        return score.score(self.book.entries())

    def _under_way(self) -> book.Entry:
        one = book.under_way(self.book.entries())
        if one is None:
            raise LabsError("No incident is under way: day.next() lets one happen.")
        return one

    @contextlib.contextmanager
    def _prometheus(self) -> Iterator[Prometheus]:
        with self.lab.cluster.reach("prometheus", 9090, self.lab.namespace) as url:
            yield Prometheus(url)


def home() -> Path:
    """Return the folder of this learner's day: the book, and the key of the models' builder."""
    return paths.data_home() / "gameday"


def begin(lab: Lab, seed: int = 0) -> Day:
    """Start the whole system and a new book."""
    registry = system.begin(lab, home(), seed)
    kept = book.default()
    kept.begin(seed)
    return Day(lab, registry, kept, seed)


def go_on(lab: Lab) -> Day:
    """Return the day that another process began; raises LabsError when there is none."""
    kept = book.default()
    seed = next((entry["seed"] for entry in kept.entries() if entry["what"] == "begin"), 0)
    return Day(lab, versions.load(lab, home()), kept, seed)


def _firing(prometheus: Prometheus) -> list[dict[str, Any]]:
    return [alert for alert in prometheus.get("/api/v1/alerts")["alerts"] if alert["state"] == "firing"]


def _look(lab: Lab) -> Snapshot:
    return take(lab.cluster, lab.namespace, logs=False, kinds=lab.kinds)
