"""One decorator that tells Prometheus of every prediction: how it ended, and how long it took."""

import functools
import inspect
import time
import types
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, overload

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

from labsupport.monitoring.labels import FewValues, once

Target = TypeVar("Target", bound=Callable[..., Any])

OK = "ok"
LABELS = ("model", "version", "outcome")
# Upper edges in seconds: dense where the course's service answers, with an edge on its objective (0.3 s) and one on its
# patience (5 s), so that both shares are read off and not interpolated.
LATENCY_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.6, 1.0, 2.5, 5.0)


class Metrics:
    """The two metrics of all models in one registry; names and units follow the conventions of Prometheus.

    `calls`: counter `model_predictions_total`; `seconds`: histogram `model_prediction_duration_seconds`; both with the
    labels model, version and outcome (`ok`, or the name of the exception).
    """

    def __init__(self, registry: CollectorRegistry, buckets: Sequence[float] = LATENCY_BUCKETS_S) -> None:
        self.buckets = tuple(buckets)
        self.calls = Counter(
            "model_predictions", "Predictions by outcome: ok, or the name of the exception.", LABELS, registry=registry
        )
        self.seconds = Histogram(
            "model_prediction_duration_seconds",
            "Time from call to answer or exception, by outcome.",
            LABELS,
            registry=registry,
            buckets=self.buckets,
        )
        self._few = (FewValues("model"), FewValues("version"), FewValues("outcome", reserved=(OK,)))
        self._children: dict[tuple[str, str, str], tuple[Counter, Histogram]] = {}

    def record(self, model: str, version: str, outcome: str, seconds: float) -> None:
        """Count one prediction, and keep how long it took."""
        children = self._children.get((model, version, outcome))
        if children is None:
            a, b, c = (few(value) for few, value in zip(self._few, (model, version, outcome), strict=True))
            # Under the names that were kept, never under the caller's: those may be without end.
            children = self._children.setdefault((a, b, c), (self.calls.labels(a, b, c), self.seconds.labels(a, b, c)))
        children[0].inc()
        children[1].observe(seconds)


@overload
def observed(
    target: Target,
    *,
    model: str | None = None,
    version: str | None = None,
    registry: CollectorRegistry = REGISTRY,
    buckets: Sequence[float] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Target: ...


@overload
def observed(
    target: None = None,
    *,
    model: str | None = None,
    version: str | None = None,
    registry: CollectorRegistry = REGISTRY,
    buckets: Sequence[float] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Callable[[Target], Target]: ...


def observed(
    target: Any = None,
    *,
    model: str | None = None,
    version: str | None = None,
    registry: CollectorRegistry = REGISTRY,
    buckets: Sequence[float] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Any:
    """Decorate a function, a coroutine function, or a class with a method `predict`; nothing else about it changes.

    Every call is counted and timed, also one that raises or is cancelled; exceptions pass through untouched.
    `model`: its name, that of the target if not given; `version`: the release that answers; for a class, the attribute
    `version` of the object is read at each call if not given; `registry`: where the metrics live; `buckets`: upper edges
    in seconds, one set for a registry; `clock`: seconds from anywhere, never going back. A label has 50 values at most;
    later ones are counted as "other", with one warning in the log.

    Raises TypeError for what can't be observed, and ValueError for a second set of buckets in one registry.
    """
    if target is None:
        return functools.partial(
            observed, model=model, version=version, registry=registry, buckets=buckets, clock=clock
        )
    metrics = _metrics(registry, buckets)
    name = model or str(getattr(target, "__name__", type(target).__name__))
    if inspect.isclass(target):
        method = inspect.getattr_static(target, "predict", None)
        if not inspect.isfunction(method):
            raise TypeError(f"observed looks for a method `predict` with `self`; {target.__name__} has none")
        setattr(target, "predict", _timed(_bare(method), metrics, name, version, clock, of_object=version is None))  # noqa: B010
        return target
    if not callable(target):
        wanted = f"pass its method: observed(model.predict, model={name!r})" if hasattr(target, "predict") else ""
        raise TypeError(
            f"observed takes a function or a class with `predict`; got a {type(target).__name__}. {wanted}".strip()
        )
    return _timed(_bare(target), metrics, name, version, clock, of_object=False)


def _timed(
    function: Callable[..., Any],
    metrics: Metrics,
    model: str,
    version: str | None,
    clock: Callable[[], float],
    *,
    of_object: bool,
) -> Callable[..., Any]:
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(f"{model} is a generator: it returns before it works, so its time would say nothing")
    fixed = version or "unknown"

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            outcome = OK
            begin = clock()
            try:
                return await function(*args, **kwargs)
            except BaseException as error:
                outcome = type(error).__name__
                raise
            finally:
                seconds = clock() - begin
                metrics.record(model, _version(args) if of_object else fixed, outcome, seconds)
    else:

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            outcome = OK
            begin = clock()
            try:
                return function(*args, **kwargs)
            except BaseException as error:
                outcome = type(error).__name__
                raise
            finally:
                seconds = clock() - begin
                metrics.record(model, _version(args) if of_object else fixed, outcome, seconds)

    wrapper.__observed__ = function  # type: ignore[attr-defined]
    return wrapper


def _version(args: tuple[Any, ...]) -> str:
    return str(getattr(args[0], "version", "unknown")) if args else "unknown"


def _bare(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function without our own wrapping: a class observed twice, or through its parent, counts a call once."""
    bare: Callable[..., Any] = getattr(function, "__observed__", function)
    return types.MethodType(bare, function.__self__) if inspect.ismethod(function) and bare is not function else bare


def _metrics(registry: CollectorRegistry, buckets: Sequence[float] | None) -> Metrics:
    wanted = LATENCY_BUCKETS_S if buckets is None else tuple(buckets)
    metrics = once(registry, Metrics, lambda: Metrics(registry, wanted))
    if buckets is not None and metrics.buckets != wanted:
        raise ValueError(
            f"this registry has buckets for predictions already: {metrics.buckets}. All versions of a model share one "
            "set, or their histograms can't be added: use it, or pass another registry"
        )
    return metrics
