"""Features from a feature server, for a model that is asked by an entity's name: values by name, and how old they are.

Feast's HTTP answer says for each value when its row was written, and serves it however old that is. So the age is looked at
here, where the answer is made.
"""

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Gauge

from labsupport.serving.protocol import ProtocolError

if TYPE_CHECKING:
    import httpx

# Long: the first question after a start loads what it needs, on a busy machine slowly.
TIMEOUT_S = 10.0
# Less than Prometheus waits for the whole page.
LOOK_TIMEOUT_S = 0.5


class NoFeatures(ProtocolError):
    """The model can't be asked, because what it reads is not there or too old; the text says which. No mistake of the client: 503."""

    def __init__(self, text: str) -> None:
        super().__init__(text, 503)


@dataclass(frozen=True)
class Row:
    """What the store knows of one entity: values by feature, and when they were written (Unix seconds), None for never."""

    entity: str
    values: dict[str, float]
    written_at: float | None


def rows(answer: Mapping[str, Any], entity: str) -> list[Row]:
    """Return the rows of an answer of /get-online-features in the order of the question; `entity`: the name of the key.

    Feast names the columns in an order of its own, another one after each start, so they are read by name. A row is as old as the
    oldest of its values; without one of them, or with one that is no finite number, it is not known.
    """
    columns = dict(zip(answer["metadata"]["feature_names"], answer["results"], strict=True))
    asked = columns.pop(entity)["values"]
    found = []
    for at, name in enumerate(asked):
        values = _values(columns, at)
        written = min(_seconds(column["event_timestamps"][at]) for column in columns.values()) if values else None
        found.append(Row(str(name), values, written))
    return found


def _values(columns: Mapping[str, Any], at: int) -> dict[str, float]:
    """Return the values of one row by feature, none at all where one of them is missing or not finite."""
    if any(column["statuses"][at] != "PRESENT" for column in columns.values()):
        return {}
    values = {feature: float(column["values"][at]) for feature, column in columns.items()}
    return values if all(map(math.isfinite, values.values())) else {}


class FeatureServer:
    """A Feast server, asked for the features of one service.

    `watch`: the entities that must be known; their age is told at each look. `max_age_s`: older rows are refused; None: none
    are. `now`: the time in Unix seconds.
    """

    def __init__(
        self,
        url: str,
        registry: CollectorRegistry,
        *,
        service: str = "load_forecast",
        entity: str = "region",
        watch: Iterable[str] = (),
        max_age_s: float | None = None,
        now: Callable[[], float] = time.time,
        transport: "httpx.AsyncBaseTransport | None" = None,
    ) -> None:
        import httpx

        self.max_age_s = max_age_s
        self._watch = tuple(watch)
        self._service, self._entity, self._now = service, entity, now
        self._client = httpx.AsyncClient(base_url=url, timeout=TIMEOUT_S, trust_env=False, transport=transport)
        # A time, not an age: it stays true when nobody looks, and an alert subtracts it from its own `time()`.
        self._written = Gauge(
            "feature_written_timestamp_seconds",
            "When the row that the feature server has now of an entity was written; 0 for never.",
            [entity],
            registry=registry,
        )
        self._reachable = Gauge(
            "feature_server_reachable",
            "1 if the feature server answered at the last look; NaN before the first one.",
            registry=registry,
        )
        self._reachable.set(math.nan)

    async def ask(self, names: Iterable[str]) -> list[Row]:
        """Return what the store knows of some entities; raises NoFeatures when it can't be asked."""
        import httpx

        body = {"feature_service": self._service, "entities": {self._entity: list(names)}}
        try:
            answer = await self._client.post("/get-online-features", json=body)
            answer.raise_for_status()
            return rows(answer.json(), self._entity)
        except httpx.HTTPStatusError as error:
            raise NoFeatures(f"the feature server said {error.response.status_code}") from None
        except (httpx.HTTPError, ValueError, LookupError, TypeError) as error:
            raise NoFeatures(f"the feature server can't be asked ({type(error).__name__})") from None

    async def row(self, name: str) -> Row:
        """Return what the store knows of one entity; raises NoFeatures where it must not be used, ProtocolError where there is none."""
        (found,) = await self.ask([name])
        if found.written_at is None:
            if name in self._watch:
                raise NoFeatures(f"nothing is known of {name}: were its features ever materialised?")
            raise ProtocolError(f"there is no {self._entity} of that name")
        age = self.age_s(found)
        if self.max_age_s is not None and age > self.max_age_s:
            raise NoFeatures(f"the features of {name} are {age:.0f} s old, and {self.max_age_s:g} s are allowed")
        return found

    def age_s(self, found: Row) -> float:
        """Return how old a known row is, in seconds."""
        return self._now() - (found.written_at or 0.0)

    async def look(self) -> None:
        """Ask for all watched entities, and tell the metrics; what can't be asked keeps its last time, and so goes on ageing.

        Where none is watched, nobody is asked, and nothing is told.
        """
        if not self._watch:
            return
        try:
            async with asyncio.timeout(LOOK_TIMEOUT_S):
                known = await self.ask(self._watch)
        except (NoFeatures, TimeoutError):
            self._reachable.set(0)
            return
        self._reachable.set(1)
        for found in known:
            self._written.labels(found.entity).set(found.written_at or 0)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
