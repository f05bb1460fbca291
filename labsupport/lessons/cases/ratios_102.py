"""Ratios for 102.6, as incident days have them (seeds 0 to 5): during over before, for each fault and for calm half hours."""

# The lowest and the highest ratio of each metric where nothing happens.
NORMAL = {
    "requests_per_s": (0.95, 1.06),
    "replicas": (1.0, 1.0),
    "utilisation": (0.96, 1.06),
    "cpu_percent": (0.96, 1.05),
    "latency_p95_ms": (0.95, 1.07),
    "error_rate": (0.6, 1.9),
}
OVERLOADED = {"latency_p95_ms": (12.0, 21.0), "error_rate": (40.0, 90.0)}
# Half hours in which an incident is over: all comes back, some of it from far away.
RECOVERED: list[dict[str, tuple[float, float]]] = [
    {"replicas": (1.5, 1.5), "utilisation": (0.7, 0.72), "cpu_percent": (0.71, 0.73), "latency_p95_ms": (0.045, 0.06), "error_rate": (0.02, 0.03)},
    {"replicas": (1.2, 1.2), "utilisation": (0.8, 0.86), "cpu_percent": (0.8, 0.86), "latency_p95_ms": (0.5, 0.8)},
    {"utilisation": (0.75, 0.83), "latency_p95_ms": (0.2, 0.65)},
    {"requests_per_s": (0.74, 0.78), "utilisation": (0.75, 0.78), "cpu_percent": (0.76, 0.79), "latency_p95_ms": (0.08, 0.66)},
    {"utilisation": (0.82, 0.87), "cpu_percent": (0.83, 0.87), "latency_p95_ms": (0.6, 0.7), "error_rate": (0.01, 0.03)},
    {"latency_p95_ms": (960.0, 1020.0)},
]  # fmt: skip
CASES: list[tuple[str, dict[str, tuple[float, float]]]] = [
    ("nothing", {}),
    ("WrongUnits", {"latency_p95_ms": (0.0009, 0.0011)}),
    ("RetryStorm", {"requests_per_s": (1.24, 1.4), "utilisation": (1.24, 1.4), "cpu_percent": (1.2, 1.36), "latency_p95_ms": (1.3, 3.0)}),
    ("RetryStorm", {"requests_per_s": (1.35, 1.4), "utilisation": (1.35, 1.4), "cpu_percent": (1.3, 1.36)} | OVERLOADED),
    ("ReplicaLost", {"replicas": (0.83, 0.84), "utilisation": (1.18, 1.25), "cpu_percent": (1.16, 1.24), "latency_p95_ms": (1.1, 1.7)}),
    ("ReplicaLost", {"replicas": (0.66, 0.67), "utilisation": (1.38, 1.42), "cpu_percent": (1.34, 1.4)} | OVERLOADED),
    ("SlowDependency", {"utilisation": (1.18, 1.37), "latency_p95_ms": (1.3, 4.5)}),
    ("SlowDependency", {"utilisation": (1.38, 1.42)} | OVERLOADED),
    ("BadDeploy", {"utilisation": (1.17, 1.23), "cpu_percent": (1.16, 1.22), "latency_p95_ms": (1.3, 1.8), "error_rate": (25.0, 150.0)}),
    *(("nothing", recovered) for recovered in RECOVERED),
]  # fmt: skip
