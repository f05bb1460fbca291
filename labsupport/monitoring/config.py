"""The contract on what is monitored: a typed document, so that a misspelt metric is an error and not a silence."""

import difflib
from dataclasses import dataclass
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator


@dataclass(frozen=True)
class Metric:
    """What a metric says: its unit, and whether it is known live or only when the truth arrives."""

    unit: str
    known: Literal["live", "when the truth arrives"]
    says: str


MODEL_METRICS = {
    "accuracy": Metric("ratio", "when the truth arrives", "share of all answers that were right"),
    "precision": Metric("ratio", "when the truth arrives", "share of the alarms that were right"),
    "recall": Metric("ratio", "when the truth arrives", "share of the events that were caught"),
    "f1_score": Metric("ratio", "when the truth arrives", "harmonic mean of precision and recall"),
}
INFRASTRUCTURE_METRICS = {
    "cpu_usage": Metric("cores", "live", "CPU time per second"),
    "memory_usage": Metric("bytes", "live", "memory in use"),
    "gpu_utilization": Metric("ratio", "live", "share of time in which the GPU worked; needs a GPU exporter"),
    "response_time": Metric("seconds", "live", "time from request to answer"),
    "request_rate": Metric("req/s", "live", "requests that come in per second: the load from outside"),
    "replica_utilization": Metric("ratio", "live", "share of the replicas that are busy"),
    "queue_depth": Metric("requests", "live", "requests that wait for a replica"),
    "error_rate": Metric("ratio", "live", "share of the requests that got no good answer"),
}


class ConfigError(ValueError):
    """The document breaks the contract; its text has one sentence per finding."""


class MonitoringConfig(BaseModel):
    """Which metrics of the model and of its infrastructure are watched: at least one of each, none twice."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    model_metrics: tuple[str, ...]
    infrastructure_metrics: tuple[str, ...]

    @field_validator("model_metrics")
    @classmethod
    def _known_model_metrics(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _require_known(names, "model_metrics", MODEL_METRICS, INFRASTRUCTURE_METRICS, "infrastructure_metrics")

    @field_validator("infrastructure_metrics")
    @classmethod
    def _known_infrastructure_metrics(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _require_known(names, "infrastructure_metrics", INFRASTRUCTURE_METRICS, MODEL_METRICS, "model_metrics")

    @classmethod
    def from_yaml(cls, text: str) -> Self:
        """Read the contract from YAML: a ConfigMap with the key `config.yaml`, or the inner document itself.

        Raises ConfigError with a sentence per finding.
        """
        document = _mapping(text, "the document")
        kind = document.get("kind")
        if kind not in (None, "ConfigMap"):
            raise ConfigError(f"The kind is {kind!r}: expected ConfigMap, spelt with these capital letters.")
        if kind:
            data = document.get("data")
            inner = data.get("config.yaml") if isinstance(data, dict) else None
            if not isinstance(inner, str):
                raise ConfigError(
                    "The ConfigMap has no data under `config.yaml`: expected the contract as a block of text."
                )
            document = _mapping(inner, "config.yaml")
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            raise ConfigError("\n".join(_sentence(item) for item in error.errors())) from None


def _mapping(text: str, what: str) -> dict[str, Any]:
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:  # It is a ValueError where a date can't be.
        raise ConfigError(f"{what} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(document, dict):
        raise ConfigError(f"{what} is not a mapping: expected `model_metrics:` and `infrastructure_metrics:`.")
    return document


def _require_known(
    names: tuple[str, ...], field: str, known: dict[str, Metric], other: dict[str, Metric], other_field: str
) -> tuple[str, ...]:
    problems = [] if names else [f"{field} is empty: name at least one of {', '.join(known)}"]
    for name in names:
        if name in known:
            continue
        if name in other:
            problems.append(f"{name!r} stands under {field} but belongs under {other_field}")
            continue
        close = difflib.get_close_matches(name, [*known, *other], n=1)
        meant = f"did you mean {close[0]!r}" if close else f"known are {', '.join(known)}"
        problems.append(f"{field} has the unknown metric {name!r}; {meant}")
    problems += [f"{field} names {name!r} twice" for name in dict.fromkeys(names) if names.count(name) > 1]
    if problems:
        raise ValueError("\n".join(f"{problem}." for problem in problems))
    return names


def _sentence(item: Any) -> str:
    field = ".".join(map(str, item["loc"]))
    if item["type"] == "value_error":
        return str(item["ctx"]["error"])
    if item["type"] == "missing":
        return f"{field} is missing."
    if item["type"] == "extra_forbidden":
        return f"{field} is not part of the contract; it has model_metrics and infrastructure_metrics."
    return f"{field}: {item['msg']}; got {item['input']!r}."
