"""The loss of a model as a metric, published when the truth arrives and not a second earlier."""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from prometheus_client import REGISTRY, CollectorRegistry, Gauge

from labsupport.ml.losses import Loss
from labsupport.monitoring.labels import FewValues, once

LABELS = ("model", "version", "loss")


class _Gauges:
    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, says: str) -> Gauge:
            return Gauge(name, says, LABELS, registry=registry, multiprocess_mode="mostrecent")

        self.loss = gauge("model_loss", "Mean loss of the answers whose truth arrived last, in the unit of the loss.")
        self.samples = gauge("model_loss_samples", "How many answers that mean is made of.")
        self.published = gauge("model_loss_published_timestamp_seconds", "When the loss was published, Unix time.")
        self.few = [FewValues(label) for label in LABELS]


def publish_loss(
    came: ArrayLike,
    said: ArrayLike,
    loss: Loss,
    *,
    model: str,
    version: str,
    registry: CollectorRegistry = REGISTRY,
    clock: Callable[[], float] = time.time,
) -> float:
    """Compare answers with the truth that has arrived, publish the mean loss, and return it.

    `came` (n,): the truth, NaN where it is not known yet (such rows wait); `said` (n,): the answers of one version. It
    sets the gauges `model_loss`, `model_loss_samples` (without which a mean can't be judged) and
    `model_loss_published_timestamp_seconds` (without which a dead job looks like a calm model). Nothing is exported before
    the first call: a loss of 0 that nobody measured would be a lie. Raises ValueError when no truth has arrived or an
    answer is missing.
    """
    truth, answers = np.asarray(came, dtype=float), np.asarray(said, dtype=float)
    if truth.shape != answers.shape:
        raise ValueError(f"truth and answers belong together one by one; got {truth.shape} and {answers.shape}")
    known = ~np.isnan(truth)
    if not known.any():
        raise ValueError("no truth has arrived yet, so there is no loss to publish: wait, and publish nothing")
    if not np.isfinite(answers[known]).all():
        raise ValueError("an answer is missing or infinite where the truth is known: that is a failure of the model")
    value = loss.value(truth[known], answers[known])
    gauges = once(registry, _Gauges, lambda: _Gauges(registry))
    labels = [few(text) for few, text in zip(gauges.few, (model, version, loss.name), strict=True)]
    gauges.loss.labels(*labels).set(value)
    gauges.samples.labels(*labels).set(int(known.sum()))
    gauges.published.labels(*labels).set(clock())
    return value
