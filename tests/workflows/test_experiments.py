"""The operator looks, compares and acts: on a store in memory, whose Jobs do what a test says."""

import copy
from typing import Any

import pytest
import yaml

from labsupport import paths
from labsupport.workflows import experiments
from labsupport.workflows.experiments_objects import Said, Store, assignments, job_of, reports_of, state_of

Object = dict[str, Any]
RANDOM = yaml.safe_load((paths.course_root() / "manifests" / "607" / "random.yaml").read_text())


class InMemory(Store):
    """What the API server would keep. A Job runs until a test lets it end."""

    def __init__(self, experiment: Object) -> None:
        super().__init__("lab-607", None, None)
        self.kept: dict[str, dict[str, Object]] = {"experiments": {}, "trials": {}, "jobs": {}}
        self.logs: dict[str, Said] = {}
        self.deleted: list[str] = []
        self.made: list[str] = []
        self.make("experiments", experiment)

    def experiment(self, name: str) -> Object | None:
        return copy.deepcopy(self.kept["experiments"].get(name))

    def trials(self, experiment: str) -> list[Object]:
        return copy.deepcopy([self.kept["trials"][name] for name in sorted(self.kept["trials"])])

    def jobs(self, experiment: str) -> dict[str, Object]:
        return copy.deepcopy(self.kept["jobs"])

    def make(self, plural: str, item: Object) -> Object:
        stored = copy.deepcopy(item)
        stored["metadata"] |= {"uid": item["metadata"]["name"], "creationTimestamp": "2026-11-01T00:00:00Z"}
        self.made.append(f"{plural}/{item['metadata']['name']}")
        return copy.deepcopy(self.kept[plural].setdefault(item["metadata"]["name"], stored))

    def report(self, plural: str, item: Object, status: Object) -> None:
        kept = self.kept[plural][item["metadata"]["name"]]
        kept["status"] = kept.get("status", {}) | status
        item["status"] = item.get("status", {}) | status

    def delete_job(self, name: str) -> None:
        self.kept["jobs"].pop(name, None)
        self.deleted.append(name)

    def said(self, job: str) -> Said:
        return self.logs.get(job, Said())

    def says(self, job: str, *values: float, metric: str = "accuracy", ending: str = "") -> None:
        log = "".join(f"epoch={n} {metric}={value}\n" for n, value in enumerate(values, start=1))
        self.logs[job] = Said(log, ending)

    def ends(self, job: str, condition: str = "Complete") -> None:
        self.kept["jobs"][job]["status"] = {"conditions": [{"type": condition, "status": "True", "message": "x"}]}

    def states(self) -> list[str]:
        return [state_of(trial) for trial in self.trials("random")]


def store_of(**parts: Any) -> InMemory:
    experiment = copy.deepcopy(RANDOM)
    experiment["spec"] |= parts
    return InMemory(experiment)


def status_of(store: InMemory) -> Object:
    found: Object = store.kept["experiments"]["random"]["status"]
    return found


MEDIAN = {"algorithmName": "medianstop", "algorithmSettings": [{"name": "start_step", "value": "2"}]}


def test_it_starts_as_many_as_may_run_each_with_its_settings() -> None:
    store = store_of()
    assert experiments.step(store, "random")
    assert sorted(store.kept["jobs"]) == ["random-00", "random-01", "random-02"]
    trial = store.trials("random")[1]
    command = store.kept["jobs"]["random-01"]["spec"]["template"]["spec"]["containers"][0]["command"]
    assert f"--rate={assignments(trial)['learning_rate']}" in command
    assert f"--batch={assignments(trial)['batch_size']}" in command
    assert trial["metadata"]["ownerReferences"][0]["name"] == "random"
    assert store.kept["jobs"]["random-01"]["metadata"]["ownerReferences"][0]["kind"] == "Trial"


def test_looking_again_changes_nothing() -> None:
    store = store_of()
    experiments.step(store, "random")
    made = list(store.made)
    experiments.step(store, "random")
    assert store.made == made


def test_a_trial_whose_job_was_not_made_yet_gets_it() -> None:
    store = store_of()
    experiments.step(store, "random")
    del store.kept["jobs"]["random-01"]
    experiments.step(store, "random")
    assert "random-01" in store.kept["jobs"]


def test_a_trial_that_was_deleted_is_made_up_for_by_one_of_a_new_number() -> None:
    store = store_of(maxTrialCount=3)
    experiments.step(store, "random")
    del store.kept["trials"]["random-01"]
    for _ in range(2):
        experiments.step(store, "random")
    assert sorted(store.kept["trials"]) == ["random-00", "random-02", "random-03"]
    assert store.made.count("trials/random-03") == 1


def test_the_best_of_all_is_named_and_the_search_ends() -> None:
    store = store_of(maxTrialCount=3)
    experiments.step(store, "random")
    for name, last in (("random-00", 0.5), ("random-01", 0.7), ("random-02", 0.7)):
        store.says(name, 0.9, last)
        store.ends(name)
    assert not experiments.step(store, "random")
    assert status_of(store)["currentOptimalTrial"]["bestTrialName"] == "random-01"
    assert status_of(store)["conditions"][0]["type"] == "Succeeded"
    assert reports_of(store.trials("random")[0]) == [0.9, 0.5]
    assert not experiments.step(store, "random")


def test_a_crash_is_counted_with_its_reason_and_the_search_goes_on() -> None:
    store = store_of()
    experiments.step(store, "random")
    store.says("random-00", 0.5, ending="OOMKilled, exit code 137")
    store.ends("random-00", "Failed")
    assert experiments.step(store, "random")
    trial = store.trials("random")[0]
    assert state_of(trial) == "Failed"
    assert trial["status"]["conditions"][0]["message"] == (
        "OOMKilled, exit code 137; its last words: epoch=1 accuracy=0.5"
    )
    assert status_of(store)["trialsFailed"] == 1 and "random-03" in store.kept["jobs"]


def test_at_the_last_failure_the_others_are_ended() -> None:
    store = store_of(maxFailedTrialCount=1)
    experiments.step(store, "random")
    store.ends("random-01", "Failed")
    assert not experiments.step(store, "random")
    assert store.states() == ["Killed", "Failed", "Killed"]
    assert sorted(store.deleted) == ["random-00", "random-02"]
    assert status_of(store)["conditions"][0]["type"] == "Failed"


def test_who_never_says_the_metric_has_failed() -> None:
    store = store_of(maxFailedTrialCount=1)
    experiments.step(store, "random")
    store.says("random-00", 0.7, metric="val_accuracy")
    store.ends("random-00")
    experiments.step(store, "random")
    assert store.states()[0] == "MetricsUnavailable" and status_of(store)["trialMetricsUnavailable"] == 1
    assert "currentOptimalTrial" not in status_of(store)


def test_a_goal_ends_the_search_and_what_still_runs() -> None:
    store = store_of(objective=RANDOM["spec"]["objective"] | {"goal": 0.8})
    experiments.step(store, "random")
    store.says("random-01", 0.8)
    store.ends("random-01")
    assert not experiments.step(store, "random")
    assert store.states() == ["Killed", "Succeeded", "Killed"]


def test_a_hopeless_trial_is_ended_and_what_it_said_is_kept() -> None:
    store = store_of(earlyStopping=MEDIAN)
    experiments.step(store, "random")
    for name in ("random-00", "random-01", "random-02"):
        store.says(name, 0.5, 0.6, 0.7)
        store.ends(name)
    experiments.step(store, "random")
    assert store.trials("random")[3]["spec"]["earlyStoppingRules"][0]["value"] == "0.55"
    store.says("random-03", 0.1, 0.2)
    store.says("random-04", 0.6)
    experiments.step(store, "random")
    assert store.states()[3:5] == ["EarlyStopped", "Running"]
    assert "random-03" in store.deleted and reports_of(store.trials("random")[3]) == [0.1, 0.2]
    assert status_of(store)["trialsEarlyStopped"] == 1


def test_jobs_stay_only_where_they_are_to_be_retained() -> None:
    store = store_of(trialTemplate=RANDOM["spec"]["trialTemplate"] | {"retain": False})
    experiments.step(store, "random")
    store.says("random-00", 0.5)
    store.ends("random-00")
    experiments.step(store, "random")
    assert store.deleted == ["random-00"] and store.states()[0] == "Succeeded"


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr("kopf.warn", lambda item, reason, message: said.append(f"{reason}: {message}"))
    return said


def test_what_it_can_not_do_is_refused_once_and_taken_when_it_was_mended(warnings: list[str]) -> None:
    store = store_of(resumePolicy="Never")
    assert not experiments.step(store, "random") and not experiments.step(store, "random")
    assert len(warnings) == 1 and warnings[0].startswith("Refused: spec.resumePolicy: not known")
    assert status_of(store)["conditions"][0]["reason"] == "Refused" and not store.kept["trials"]
    del store.kept["experiments"]["random"]["spec"]["resumePolicy"]
    assert experiments.step(store, "random") and len(store.kept["jobs"]) == 3


def test_an_experiment_that_is_gone_is_left_alone() -> None:
    assert not experiments.step(store_of(), "other")


def test_a_value_can_not_break_out_of_its_place() -> None:
    trial = {"apiVersion": "v", "kind": "Trial", "metadata": {"name": "t", "uid": "u"}}
    job = job_of({"spec": {"say": "${trialParameters.x}"}}, {"x": '"}, "hostNetwork": {"a": "'}, "t", "e", trial)
    assert job["spec"] == {"say": '"}, "hostNetwork": {"a": "'}
