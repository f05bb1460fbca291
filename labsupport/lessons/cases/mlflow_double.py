"""What stands in for MLflow in the checks of 204: its client with recorded runs, a registry, and the module that tracks.

Each keeps the contract of the real one for what a learner may call (tests/lessons/test_mlflow_double.py asks both), and none
of them tells its name: what a learner sees in an error is MLflow's own word.
"""

from collections.abc import Callable
from types import FunctionType, SimpleNamespace
from typing import Any, TypeVar

TREE_TYPE = "sklearn.tree._tree.Tree"


Double = TypeVar("Double", bound=type)


def _poses_as(name: str) -> Callable[[Double], Double]:
    """Let a class and its methods appear under the real thing's name in every error."""

    def rename(double: Double) -> Double:
        double.__name__ = double.__qualname__ = name
        for method in vars(double).values():
            if isinstance(method, FunctionType):
                method.__qualname__ = f"{name}.{method.__name__}" if name else method.__name__
        return double

    return rename


@_poses_as("MlflowClient")
class RecordedRuns:
    """A client that knows ten runs, and answers queries by MLflow's own grammar."""

    def __init__(self) -> None:
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(f"the check answers search_runs and get_run, not {name}")

    def get_run(self, run_id: str) -> Any:
        """Return the run of an id."""
        found = [run for run in _runs() if run.info.run_id == run_id]
        if not found:
            raise LookupError(f"Run with id={run_id} not found")
        return found[0]

    def __deepcopy__(self, memo: dict[int, Any]) -> "RecordedRuns":
        return self

    def search_runs(
        self,
        experiment_ids: list[str],
        filter_string: str = "",
        run_view_type: int = 1,
        max_results: int = 1000,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> Any:
        """Return the runs that a query finds, as MlflowClient does: a page, with the token of the next one."""
        from mlflow.store.entities import PagedList
        from mlflow.utils.search_utils import SearchUtils

        self.asked += 1
        if isinstance(experiment_ids, str) or not all(isinstance(i, str) for i in experiment_ids):
            raise TypeError("experiment_ids is a list of texts: put the id into brackets")
        if isinstance(order_by, str):
            raise TypeError("order_by is a list of texts: put it into brackets")
        runs = [run for run in _runs() if run.info.experiment_id in experiment_ids]
        search: Any = SearchUtils
        found = search.sort(search.filter(runs, filter_string), order_by or [])
        page, token = search.paginate(found, page_token, max_results)
        return PagedList(page, token)


def _runs() -> list[Any]:
    from mlflow.entities import LifecycleStage, Metric, Param, Run, RunData, RunInfo, RunStatus

    table = [
        ("newest", "7", "FINISHED", "aa11", 0.05, 0.04),
        ("honest", "7", "FINISHED", "aa11", 0.10, 0.09),
        ("learnt better", "7", "FINISHED", "aa11", 0.30, 0.05),
        ("memorises", "7", "FINISHED", "aa11", 1.00, -0.10),
        ("worst", "7", "FINISHED", "aa11", 0.80, -0.86),
        ("failed", "7", "FAILED", "aa11", 0.30, 0.30),
        ("other data", "7", "FINISHED", "bb22", 0.90, 0.68),
        ("failed on other data", "7", "FAILED", "bb22", 0.95, 0.70),
        ("linear", "7", "FINISHED", "cc33", 0.07, 0.08),
        ("another experiment", "8", "FINISHED", "aa11", 0.90, 0.90),
    ]
    runs = []
    for age, (name, experiment, status, data, learnt, validation) in enumerate(table):
        info = RunInfo(
            run_id=f"{age:032x}",
            experiment_id=experiment,
            user_id="",
            status=status if isinstance(RunInfo.status, property) else RunStatus.from_string(status),
            start_time=1000 - age,
            end_time=2000,
            lifecycle_stage=LifecycleStage.ACTIVE,
            run_name=name,
        )
        metrics = [Metric("skill_learnt", learnt, 0, 0), Metric("skill_validation", validation, 0, 0)]
        params = [Param("model", "logistic" if name == "linear" else "tree"), Param("data_sha256", data)]
        runs.append(Run(info, RunData(metrics=metrics, params=params, tags=[])))
    return runs


@_poses_as("MlflowClient")
class Registry:
    """A registry of one model in memory: aliases move, and every change of a version is noted."""

    def __init__(self, name: str, aliases: dict[str, str]) -> None:
        self.name = name
        self.aliases = dict(aliases)
        self.changes: list[str] = []

    def __deepcopy__(self, memo: dict[int, Any]) -> "Registry":
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(f"the check knows what reads and moves aliases and versions of a model, not {name}")

    def get_model_version_by_alias(self, name: str, alias: str) -> Any:
        """Return the version behind an alias."""
        self._require(name)
        if alias not in self.aliases:
            raise LookupError(f"Registered model alias {alias} not found.")
        return self.get_model_version(name, self.aliases[alias])

    def get_model_version(self, name: str, version: str) -> Any:
        """Return a version with its aliases."""
        self._require(name)
        held = [alias for alias, pointed in self.aliases.items() if pointed == str(version)]
        return SimpleNamespace(name=name, version=str(version), aliases=held)

    def get_registered_model(self, name: str) -> Any:
        """Return the model with all its aliases."""
        self._require(name)
        return SimpleNamespace(name=name, aliases=dict(self.aliases))

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
        """Let an alias point to a version."""
        self._require(name)
        if not isinstance(version, str | int):
            raise TypeError(f"a version is a text such as '3', not a {type(version).__name__}: take its .version")
        self.aliases[alias] = str(version)

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        """Remove an alias."""
        self._require(name)
        self.aliases.pop(alias, None)

    def delete_model_version(self, name: str, version: str) -> None:
        """Note that a version was deleted."""
        self.changes.append(f"version {version} was deleted")

    def create_model_version(self, name: str, *rest: Any, **named: Any) -> Any:
        """Note that a version was made."""
        self.changes.append("a new version was made")
        return self.get_model_version(name, "8")

    def transition_model_version_stage(self, name: str, version: str, stage: str, *rest: Any, **named: Any) -> None:
        """Note that a stage was set."""
        self.changes.append(f"version {version} got the stage {stage}, which MLflow no longer uses")

    def _require(self, name: str) -> None:
        if name != self.name:
            raise LookupError(f"Registered Model with name={name} not found")


@_poses_as("")
class Tracking:
    """Stands in for the module mlflow: notes what is told in which order, and refuses trees as MLflow does."""

    def __init__(self) -> None:
        self.runs: list[Any] = []
        self.sklearn = self
        self.models = self

    def __deepcopy__(self, memo: dict[int, Any]) -> "Tracking":
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(
            f"the check listens to start_run, active_run, end_run, log_param(s), log_metric(s), set_tag(s) and sklearn.log_model; not to {name}"
        )

    def start_run(self, **named: Any) -> Any:
        """Open a run; it is a context manager, as MLflow's is."""
        self.runs.append(_Run(f"run-{len(self.runs)}"))
        return self.runs[-1]

    def active_run(self) -> Any:
        """Return the open run, or None."""
        return next((run for run in self.runs[-1:] if run.info.status == "RUNNING"), None)

    def end_run(self, status: str = "FINISHED") -> None:
        """Close the run."""
        self._open().info.status = status

    def log_params(self, params: dict[str, Any]) -> None:
        """Note parameters."""
        for name, value in params.items():
            self._open().write("parameter", name, value)

    def log_param(self, key: str, value: Any) -> Any:
        """Note one parameter."""
        self._open().write("parameter", key, value)
        return value

    def log_metrics(self, metrics: dict[str, float], **named: Any) -> None:
        """Note metrics."""
        for name, value in metrics.items():
            self._open().write("metric", name, float(value))

    def log_metric(self, key: str, value: float, **named: Any) -> None:
        """Note one metric."""
        self._open().write("metric", key, float(value))

    def set_tag(self, key: str, value: Any) -> None:
        """Accept a tag."""
        self._open()

    def set_tags(self, tags: dict[str, Any]) -> None:
        """Accept tags."""
        self._open()

    def set_experiment(self, *rest: Any, **named: Any) -> None:
        """Accept an experiment."""

    def infer_signature(self, *rest: Any, **named: Any) -> str:
        """Accept the data that a signature is made from."""
        return "signature"

    def log_model(self, sk_model: Any, artifact_path: str | None = None, **options: Any) -> Any:
        """Note a model; refuse one that holds a tree, unless its type is trusted or it is pickled."""
        run = self._open()
        run.model, run.options = sk_model, {"artifact_path": artifact_path, **options}
        pickled = options.get("serialization_format") in ("cloudpickle", "pickle")
        if not pickled and TREE_TYPE not in (options.get("skops_trusted_types") or []):
            run.refused = True
            raise RuntimeError(
                f"MlflowException: The saved sklearn model references untrusted types. Untrusted types found in the file: ['{TREE_TYPE}']"
            )
        run.refused = False
        run.write("model", str(options.get("name") or artifact_path), sk_model)
        return SimpleNamespace(model_uri="models:/m-1")

    def _open(self) -> Any:
        if not self.runs or self.runs[-1].info.status != "RUNNING":
            raise RuntimeError("no run is open here: indent it below `with mlflow.start_run() as run:`")
        return self.runs[-1]


class _Run:
    """One run: what was written in which order."""

    def __init__(self, run_id: str) -> None:
        self.info = SimpleNamespace(run_id=run_id, status="RUNNING")
        self.written: list[tuple[str, str]] = []
        self.values: dict[str, str] = {}
        self.model: Any = None
        self.options: dict[str, Any] | None = None
        self.refused = False

    def write(self, kind: str, name: str, value: Any) -> None:
        """Note one thing."""
        self.written.append((kind, name))
        self.values[name] = str(value)

    def __enter__(self) -> "_Run":
        return self

    def __exit__(self, kind: Any, *rest: Any) -> None:
        self.info.status = "FAILED" if kind else "FINISHED"
