"""The contract on what is monitored: each kind of fault is a sentence, and what it accepts has a unit."""

import pytest

from labsupport.monitoring.config import INFRASTRUCTURE_METRICS, MODEL_METRICS, ConfigError, MonitoringConfig

INNER = "model_metrics: [{model}]\ninfrastructure_metrics: [{infrastructure}]\n"


def document(model: str = "recall", infrastructure: str = "cpu_usage, error_rate") -> str:
    return INNER.format(model=model, infrastructure=infrastructure)


def config_map(inner: str, kind: str = "ConfigMap") -> str:
    indented = "".join(f"    {line}\n" for line in inner.splitlines())
    return f"kind: {kind}\ndata:\n  config.yaml: |\n{indented}"


@pytest.mark.parametrize("text", [document(), config_map(document())], ids=["inner document", "ConfigMap"])
def test_a_contract_is_read_with_or_without_its_config_map(text: str) -> None:
    config = MonitoringConfig.from_yaml(text)
    assert (config.model_metrics, config.infrastructure_metrics) == (("recall",), ("cpu_usage", "error_rate"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (document(model="acuracy"), "model_metrics has the unknown metric 'acuracy'; did you mean 'accuracy'."),
        (
            document(model="cpu_usage"),
            "'cpu_usage' stands under model_metrics but belongs under infrastructure_metrics.",
        ),
        (document(model="recall, recall"), "model_metrics names 'recall' twice."),
        (document(model=""), "model_metrics is empty: name at least one of"),
        ("model_metrics: [recall]", "infrastructure_metrics is missing."),
        (document() + "gpu_metrics: []", "gpu_metrics is not part of the contract"),
        (config_map(document(), kind="configmap"), "The kind is 'configmap': expected ConfigMap"),
        ("kind: ConfigMap\ndata: {}", "The ConfigMap has no data under `config.yaml`"),
        ("kind: ConfigMap\ndata: text", "The ConfigMap has no data under `config.yaml`"),
        ("kind: ConfigMap\ndata: [1]", "The ConfigMap has no data under `config.yaml`"),
        ("model_metrics: 2024-13-45", "the document is not YAML: month must be in 1..12"),
        ("- recall", "the document is not a mapping"),
        ("a: [", "the document is not YAML"),
    ],
    ids=lambda value: None if "\n" in value or len(value) > 60 else value,
)
def test_a_fault_is_named_in_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        MonitoringConfig.from_yaml(text)
    assert sentence in str(refused.value)


def test_what_needs_no_truth_is_known_live() -> None:
    assert {metric.known for metric in MODEL_METRICS.values()} == {"when the truth arrives"}
    assert {metric.known for metric in INFRASTRUCTURE_METRICS.values()} == {"live"}
    assert not set(MODEL_METRICS) & set(INFRASTRUCTURE_METRICS)
