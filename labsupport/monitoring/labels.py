"""A label with few values, and metrics that a registry gets only once: two ways in which Prometheus breaks by surprise."""

import logging
import threading
from collections.abc import Callable, Iterable
from typing import TypeVar, cast

from prometheus_client import CollectorRegistry

Made = TypeVar("Made")

MOST_VALUES = 50
OTHER = "other"

log = logging.getLogger(__name__)
_registering = threading.Lock()


class FewValues:
    """The values of one label: the first ones are kept as they are, all later ones become "other", with one warning.

    `most`: how many there are at most, "other" among them; `reserved`: values that always have a place. Each value of a
    label is a time series of its own in Prometheus, kept in memory for hours, so an identifier must never be one.
    """

    def __init__(self, label: str, *, most: int = MOST_VALUES, reserved: Iterable[str] = ()) -> None:
        self.label = label
        self.most = most
        self._known = {OTHER, *reserved}
        self._lock = threading.Lock()
        self._warned = False

    def __call__(self, value: object) -> str:
        """Return the label for a value: its text, or "other"."""
        text = str(value)
        if text in self._known:
            return text
        with self._lock:
            if len(self._known) < self.most:
                self._known.add(text)
                return text
            if not self._warned:
                self._warned = True
                log.warning(
                    "label %r has %d values already: %r and later ones are counted as %r. Is it an identifier?",
                    self.label,
                    self.most - 1,
                    text,
                    OTHER,
                )
        return OTHER


def once(registry: CollectorRegistry, key: object, make: Callable[[], Made]) -> Made:
    """Return what `make` registers in a registry: made at the first call for `key`, the same object at every later one.

    Prometheus refuses two metrics of one name in a registry (`Duplicated timeseries`), which a module that is imported
    twice or a notebook cell that is run again would otherwise meet. Raises ValueError when another program part has
    taken one of the names.
    """
    with _registering:
        # Kept on the registry itself: a table of ours would hold every registry, and its metrics, for ever.
        made: dict[object, object] = vars(registry).setdefault("_labs_made", {})
        if key not in made:
            try:
                made[key] = make()
            except ValueError as error:
                if not str(error).startswith("Duplicated timeseries"):
                    raise
                raise ValueError(
                    f"{error}: another part of this program has a metric of that name in the same registry. Remove one "
                    "of the two, or pass `registry=CollectorRegistry()` to ours"
                ) from None
        return cast(Made, made[key])
