"""What somebody on call does: answer the page, look, say what it is, repair, and let the repair be looked at."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from labsupport import paths
from labsupport.cluster import waiting
from labsupport.cluster.lab import Lab
from labsupport.cluster.snapshot import Snapshot, take
from labsupport.errors import LabsError
from labsupport.gameday import book, desk, facts, incidents, plan, repairs, score, system, versions
from labsupport.gameday.book import Book, Entry
from labsupport.monitoring.prometheus import Prometheus

PAGE_S, REPAIRED_S, CALM_S, SEEN_S = 120, 90, 60, 15


@dataclass
class Day:
    """One day on one cluster. Several processes may work on it: what they share stands in the book and on the cluster."""

    lab: Lab
    registry: versions.Registry
    book: Book
    seed: int

    def on_call(self, name: Any = ...) -> None:
        """Write down who is on call; without a name it is nobody, and the reference acts."""
        named = isinstance(name, str) and bool(name.strip())
        self.book.write("on call", name=name.strip()[:60] if named else "")
        print(f"On call: {name.strip()[:60]}." if named else "Nobody is on call: the reference will act.")

    def next(self, number: int = 0) -> None:
        """Let the plan's next incident happen, and say nothing of it. `number`: its place in this day; 0: whichever is next.

        A kind that has happened does not happen again, and one that is not repaired stays the only one.
        """
        entries = self.book.entries()
        known = book.injected(entries)
        one = book.under_way(entries)
        if one and one["number"] != number and number:
            print(f"Incident {one['number']} is not over: it comes first.")
            return
        if number and number <= len(known) and not one:
            print(f"Incident {number} is over.")
            return
        if one and any(entry["what"] == "injected" and entry["number"] == one["number"] for entry in entries):
            print(f"Incident {one['number']} is under way.")
            return
        kinds = {entry["kind"] for entry in known}
        left = [planned for planned in plan.day(self.seed) if planned.kind not in kinds]
        if not one and not left:
            print("The day is over.")
            return
        if one:  # What was interrupted while it happened happens once more.
            incident = plan.Incident(one["number"], one["kind"], one["target"])
        else:
            incident = replace(left[0], number=len(known) + 1)
        self.inject(incident)
        print(f"Incident {incident.number} of {len(known) + len(left)} has happened.")

    def inject(self, incident: plan.Incident) -> None:
        """Let an incident happen."""
        if not book.under_way(self.book.entries()):
            # What the last repair left must not be taken for what comes now.
            with self.prometheus() as prometheus:
                waiting.until(lambda: not _firing(prometheus), "no alert fires any more", CALM_S, 0.5)
            self.book.write("incident", number=incident.number, kind=incident.kind, target=incident.target)
        incidents.inject(self.lab, incident)
        self.book.write("injected", number=incident.number)

    def page(self, seconds: float = PAGE_S) -> list[str]:
        """Wait until an alert fires, say which, and write down that you have seen it; returns the alerts' names."""
        one = book.under_way(self.book.entries())
        if one is None:
            print("No incident is under way.")
            return []
        with self.prometheus() as prometheus:
            firing = waiting.until(lambda: _firing(prometheus), "an alert fires", seconds, 0.5)
        seen = {entry["alert"] for entry in self._about(one, "alert")}
        for alert in firing:
            name = alert["labels"]["alertname"]
            if name not in seen:
                begun = datetime.fromisoformat(alert["activeAt"]).timestamp()
                self.book.write("alert", number=one["number"], alert=name, at=max(begun, one["at"]))
                seen.add(name)
            print(f"{name}: {alert['annotations']['summary']}")
        if not self._about(one, "page"):
            self.book.write("page", number=one["number"])
        return sorted(seen)

    def facts(self) -> facts.Facts:
        """Look at the cluster, at Prometheus and at the ledger."""
        with self.prometheus() as prometheus:
            answers = {name: prometheus.value(query) for name, query in facts.QUERIES.items()}
            alerts = sorted({alert["labels"]["alertname"] for alert in _firing(prometheus)})
        rows: list[dict[str, Any]] = []
        turned: dict[str, int] | None = None
        with contextlib.suppress(LabsError):  # It may be restarting.
            rows, turned = desk.rows(self.lab), desk.turned(self.lab)
        return facts.of(_look(self.lab), answers, alerts, rows, turned)

    def since(self) -> float:
        """Return when the alert of the incident that is under way began (s since 1970); without an alert, when that happened."""
        one = book.under_way(self.book.entries())
        if one is None:
            raise LabsError("No incident is under way: there is no alert to begin from.")
        return float(next((entry["at"] for entry in self._about(one, "alert")), one["at"]))

    def diagnose(self, kind: Any = ...) -> str:
        """Say what it is: one of drift, skew, oom, rollout, stale, poison. Of the stub, the reference says it where nobody is on call; somebody is asked for it."""
        one = book.under_way(self.book.entries())
        if one is None:
            print("No incident is under way.")
            return ""
        if kind is ... and self._attended():
            return ""
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
        """Do a repair: a line for kubectl, several of them, or a function that takes this day. The stub does nothing."""
        one = book.under_way(self.book.entries())
        if one is None or what is ...:
            return
        self.book.write("repair", number=one["number"], by=book.YOU)
        if callable(what):
            what(self)
            return
        for line in [what] if isinstance(what, str) else what:
            self.lab.kubectl(line)

    def repaired(self, seconds: float = REPAIRED_S) -> bool:
        """Look whether the incident is over, and write it down. Where nobody is on call and nobody repaired anything, the reference does.

        Returns whether it is over; what is left of it is said in a sentence.
        """
        one = book.under_way(self.book.entries())
        if one is None:
            print("No incident is under way.")
            return True
        kind, left = one["kind"], [""]

        def over() -> bool:
            try:
                left[0] = facts.unmet(kind, self.facts())
            except LabsError as error:  # It may be restarting.
                left[0] = str(error).rstrip(".")
            return not left[0]

        if not over() and not self._attended() and not self._about(one, "repair"):
            self._by_reference(one)
        try:
            waiting.until(over, "it is over", seconds, 1.0)
        except LabsError:
            if self._attended() and not self._about(one, "diagnosis"):
                print(
                    "It is not over. What is it? day.diagnose(...) first. (day.give_up() lets the reference repair it.)"
                )
                return False
            print(f"It is not over: {left[0]}. (day.give_up() lets the reference repair it.)")
            return False
        if not self._about(one, "repair"):  # In a terminal.
            self.book.write("repair", number=one["number"], by=book.YOU)
        self.book.write("repaired", number=one["number"])
        print(f"Incident {one['number']} is over: it was {kind}, {plan.MEANING[kind]}.")
        return True

    def give_up(self) -> bool:
        """Let the reference repair what you can't; returns whether it is over then."""
        one = book.under_way(self.book.entries())
        if one is not None:
            self._by_reference(one)
        return self.repaired()

    def points(self) -> list[score.Points]:
        """Return what each incident gave so far."""
        return score.score(self.book.entries())

    @contextlib.contextmanager
    def prometheus(self) -> Iterator[Prometheus]:
        """Reach the day's Prometheus."""
        with self.lab.cluster.reach("prometheus", 9090, self.lab.namespace) as url:
            yield Prometheus(url)

    def _attended(self) -> bool:
        """Return whether somebody is on call who is not the reference."""
        named = [entry["name"] for entry in self.book.entries() if entry["what"] == "on call"]
        return bool(named) and named[-1] not in ("", book.REFERENCE)

    def _by_reference(self, one: Entry) -> None:
        print(f"The reference repairs it ({one['kind']}).")
        self.book.write("repair", number=one["number"], by=book.REFERENCE)
        repairs.repair(self.lab, self.registry, one["kind"], self.since())

    def _about(self, one: Entry, what: str) -> list[Entry]:
        return [entry for entry in self.book.entries() if entry["what"] == what and entry["number"] == one["number"]]


def home() -> Path:
    """Return the folder of this learner's day: the book, and the key of the models' builder."""
    return paths.data_home() / "gameday"


def begin(lab: Lab, seed: int = 0) -> Day:
    """Start the whole system and a new book."""
    registry = system.begin(lab, home(), seed)
    kept = book.default()
    kept.begin(seed)
    day = Day(lab, registry, kept, seed)
    with day.prometheus() as prometheus:
        # So many seconds of all that the dashboard shows.
        asked = "min(count_over_time(ledger_input_psi[60s])) and on() (count(feature_written_timestamp_seconds) == 3)"
        waiting.until(lambda: prometheus.value(asked, 0.0) >= SEEN_S, "Prometheus has seen the system", PAGE_S, 0.5)
        waiting.until(lambda: not _firing(prometheus), "no alert fires", CALM_S, 0.5)
    return day


def go_on(lab: Lab) -> Day:
    """Return the day that another process began; raises LabsError when there is none."""
    kept = book.default()
    seed = next((entry["seed"] for entry in kept.entries() if entry["what"] == "begin"), 0)
    return Day(lab, versions.load(lab, home()), kept, seed)


def _firing(prometheus: Prometheus) -> list[dict[str, Any]]:
    return [alert for alert in prometheus.get("/api/v1/alerts")["alerts"] if alert["state"] == "firing"]


def _look(lab: Lab) -> Snapshot:
    return take(lab.cluster, lab.namespace, logs=False, kinds=lab.kinds)
