"""The rewards of an agent as gauges and scalars: return and length of each episode, and the mean return of the last ones."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge

from labsupport.monitoring.labels import FewValues, once

LABELS = ("agent", "version")
RETURN, LENGTH, MEAN = "rl_episode_return", "rl_episode_length_steps", "rl_episode_return_mean"
EPISODES, ENDED = "rl_episodes", "rl_episode_ended_timestamp_seconds"
WINDOW = 100


@dataclass(frozen=True)
class Episode:
    """One finished episode: its `number` from 1, its return `total`, its `length` in steps, and the `mean` return of the last ones, this one included.

    `end` is "terminated" or "truncated"; one that was both counts as terminated.
    """

    number: int
    total: float
    length: int
    mean: float
    end: str


Sink = Callable[[Episode], None]
"""What wants to hear of each finished episode."""


class _Metrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, says: str) -> Gauge:
            return Gauge(name, says, LABELS, registry=registry, multiprocess_mode="mostrecent")

        self.total = gauge(RETURN, "Return of the last finished episode: its rewards, added up.")
        self.length = gauge(LENGTH, "Steps of the last finished episode.")
        self.mean = gauge(MEAN, "Mean return of the last finished episodes, a window of them.")
        self.ended = gauge(ENDED, "When the last episode ended, Unix time.")
        self.episodes = Counter(EPISODES, "Finished episodes, by how they ended.", (*LABELS, "end"), registry=registry)
        self.few = [FewValues(label) for label in LABELS]


class RewardMonitor:
    """Adds up rewards step by step, and publishes each episode when it ends: as gauges of a registry, and to `sinks`.

    The mean is that of the last `window` episodes, of all while there are fewer: a mean over all time hides a late collapse. A
    return that is no finite number is not exported, and neither is a mean that contains one; absence is what an alert sees.

    >>> monitor = RewardMonitor(agent="cart", version="7")
    >>> env = Watched(gym.make("CartPole-v1"), monitor)
    """

    def __init__(
        self,
        *,
        agent: str,
        version: str,
        window: int = WINDOW,
        sinks: Sequence[Sink] = (),
        registry: CollectorRegistry = REGISTRY,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if window < 1:
            raise ValueError(f"a window has an episode or more; got {window}")
        self._metrics = once(registry, _Metrics, lambda: _Metrics(registry))
        self._labels = [few(text) for few, text in zip(self._metrics.few, (agent, version), strict=True)]
        self._sinks, self._clock = tuple(sinks), clock
        self._last: deque[float] = deque(maxlen=window)
        self._number, self._total, self._length = 0, 0.0, 0

    def step(self, reward: float, terminated: bool, truncated: bool) -> Episode | None:
        """Take in one step; returns the episode that it ended, if it did."""
        self._total += float(reward)
        self._length += 1
        if not (terminated or truncated):
            return None
        self._number += 1
        self._last.append(self._total)
        end = "terminated" if terminated else "truncated"
        episode = Episode(self._number, self._total, self._length, float(np.mean(self._last)), end)
        self.abandon()
        self._publish(episode)
        for sink in self._sinks:
            sink(episode)
        return episode

    def abandon(self) -> None:
        """Forget the rewards of an episode that was begun and will not end, such as one that a reset cut off."""
        self._total, self._length = 0.0, 0

    def _publish(self, episode: Episode) -> None:
        metrics = self._metrics
        for gauge, value in ((metrics.total, episode.total), (metrics.mean, episode.mean)):
            if np.isfinite(value):
                gauge.labels(*self._labels).set(value)
            else:
                gauge.remove(*self._labels)
        metrics.length.labels(*self._labels).set(episode.length)
        metrics.ended.labels(*self._labels).set(self._clock())
        metrics.episodes.labels(*self._labels, episode.end).inc()


class Watched(gym.Wrapper[Any, Any, Any, Any]):
    """A Gymnasium environment whose rewards a monitor sees: the loop that plays in it stays as it is."""

    def __init__(self, env: gym.Env[Any, Any], monitor: RewardMonitor) -> None:
        super().__init__(env)
        self.monitor = monitor

    def reset(self, **kwargs: Any) -> Any:
        """Begin anew; what was begun and not ended does not count."""
        self.monitor.abandon()
        return super().reset(**kwargs)

    def step(self, action: Any) -> Any:
        """Do a step, and tell the monitor what it brought."""
        observation, reward, terminated, truncated, info = super().step(action)
        self.monitor.step(float(reward), bool(terminated), bool(truncated))
        return observation, reward, terminated, truncated, info


class MlflowScalars:
    """A sink that writes each episode to a run of MLflow: the step of a point is the episode's number.

    `client` is an `mlflow.MlflowClient`. Points are sent `every` so many episodes, because each call writes to a database or crosses a
    network: use it in a `with`, or `flush` at the end.
    """

    def __init__(self, client: Any, run_id: str, every: int = 100) -> None:
        self._client, self._run_id, self._every = client, run_id, every
        self._waiting: list[tuple[str, float, int, int]] = []

    def __call__(self, episode: Episode) -> None:
        """Keep an episode, and send what has gathered when it is enough."""
        now = int(time.time() * 1000)
        values = {RETURN: episode.total, LENGTH: float(episode.length), MEAN: episode.mean}
        self._waiting += [(name, value, now, episode.number) for name, value in values.items()]
        if len(self._waiting) >= len(values) * self._every:
            self.flush()

    def flush(self) -> None:
        """Send what waits, in calls of the thousand points that MLflow takes at once."""
        from mlflow.entities import Metric

        for begin in range(0, len(self._waiting), 1000):
            points = [Metric(*point) for point in self._waiting[begin : begin + 1000]]
            self._client.log_batch(self._run_id, metrics=points)
        self._waiting = []

    def __enter__(self) -> "MlflowScalars":
        return self

    def __exit__(self, *error: object) -> None:
        self.flush()
