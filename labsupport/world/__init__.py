"""The one web service of the course, simulated: traffic, queues, telemetry, faults, logs and deploy records.

A name is loaded from its module when it is first used, so that `import labsupport.world` needs neither numpy nor pandas.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labsupport.world import theory
    from labsupport.world.capacity import SLO, replicas_for
    from labsupport.world.clock import at
    from labsupport.world.deploys import deploy_log_odds, deploy_records
    from labsupport.world.durations import Deterministic, Durations, Exponential, LogNormal
    from labsupport.world.fault import Fault, ground_truth
    from labsupport.world.faults import (
        BadDeploy,
        MemoryLeak,
        ReplicaLost,
        RetryStorm,
        SlowDependency,
        fault_catalogue,
    )
    from labsupport.world.logs import CAUSES, LogLine, LogWindow, log_stream, log_windows
    from labsupport.world.queue import QueueRun, balanced_queues, central_queue, lindley_waits, simulate_queue
    from labsupport.world.service import Service, ServiceRun
    from labsupport.world.telemetry_faults import ClockSkew, MissingTelemetry, NoisyTelemetry, WrongUnits
    from labsupport.world.traffic import Burst, Traffic, flash_crowds, poisson_arrivals, replay_day
    from labsupport.world.weather import seattle_weather

_MODULE_OF = {
    "SLO": "capacity",
    "replicas_for": "capacity",
    "at": "clock",
    "deploy_log_odds": "deploys",
    "deploy_records": "deploys",
    "Deterministic": "durations",
    "Durations": "durations",
    "Exponential": "durations",
    "LogNormal": "durations",
    "BadDeploy": "faults",
    "Fault": "fault",
    "MemoryLeak": "faults",
    "ReplicaLost": "faults",
    "RetryStorm": "faults",
    "SlowDependency": "faults",
    "fault_catalogue": "faults",
    "ground_truth": "fault",
    "CAUSES": "logs",
    "LogLine": "logs",
    "LogWindow": "logs",
    "log_stream": "logs",
    "log_windows": "logs",
    "QueueRun": "queue",
    "balanced_queues": "queue",
    "central_queue": "queue",
    "lindley_waits": "queue",
    "simulate_queue": "queue",
    "Service": "service",
    "ServiceRun": "service",
    "ClockSkew": "telemetry_faults",
    "MissingTelemetry": "telemetry_faults",
    "NoisyTelemetry": "telemetry_faults",
    "WrongUnits": "telemetry_faults",
    "Burst": "traffic",
    "Traffic": "traffic",
    "flash_crowds": "traffic",
    "poisson_arrivals": "traffic",
    "replay_day": "traffic",
    "seattle_weather": "weather",
}

__all__ = [
    "CAUSES",
    "SLO",
    "BadDeploy",
    "Burst",
    "ClockSkew",
    "Deterministic",
    "Durations",
    "Exponential",
    "Fault",
    "LogLine",
    "LogNormal",
    "LogWindow",
    "MemoryLeak",
    "MissingTelemetry",
    "NoisyTelemetry",
    "QueueRun",
    "ReplicaLost",
    "RetryStorm",
    "Service",
    "ServiceRun",
    "SlowDependency",
    "Traffic",
    "WrongUnits",
    "at",
    "balanced_queues",
    "central_queue",
    "deploy_log_odds",
    "deploy_records",
    "fault_catalogue",
    "flash_crowds",
    "ground_truth",
    "lindley_waits",
    "log_stream",
    "log_windows",
    "poisson_arrivals",
    "replay_day",
    "replicas_for",
    "seattle_weather",
    "simulate_queue",
    "theory",
]


def __getattr__(name: str) -> object:
    if name == "theory":
        return import_module("labsupport.world.theory")
    if name not in _MODULE_OF:
        raise AttributeError(f"labsupport.world has no {name!r}; dir(labsupport.world) lists what it has")
    value = getattr(import_module(f"labsupport.world.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
