import json
import subprocess
import sys
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline

import labsupport.world
from labsupport.world.deploys import deploy_log_odds, deploy_records
from labsupport.world.logs import CAUSE_LINES, CAUSES, SYMPTOM_LINES, log_stream, log_windows

CAUSE_OF = {component: cause for cause, lines in CAUSE_LINES.items() for _, component, _ in lines}


@pytest.mark.parametrize("seed", range(5))
def test_between_5_and_8_percent_of_deploys_fail(seed):
    records, probability = deploy_records(seed=seed)
    assert 0.05 <= records["failed"].mean() <= 0.08
    assert records["failed"].mean() == pytest.approx(probability.mean(), abs=0.01)


@pytest.mark.parametrize("seed", range(5))
def test_the_truth_ranks_deploys_well_but_not_perfectly(seed):
    records, probability = deploy_records(seed=seed)
    assert 0.75 < roc_auc_score(records["failed"], probability) < 0.9


def test_deploys_come_in_order_within_a_year_with_features_in_range():
    records, _ = deploy_records(2_000)
    assert records["time"].is_monotonic_increasing
    assert (records["weekday"] == records["time"].dt.weekday).all()
    assert (records["hour"] == records["time"].dt.hour).all()
    assert (records["friday"] == (records["weekday"] == 4)).all()
    assert records["coverage"].between(0, 1).all()
    assert (records[["lines_changed", "files_changed"]] >= 1).all().all()


def test_an_untested_dependency_bump_is_worse_than_its_parts():
    records, _ = deploy_records(1)
    cases = [
        records.assign(dependency_bump=bump, coverage=coverage) for bump in (False, True) for coverage in (0.9, 0.6)
    ]
    neither, untested, bump, both = deploy_log_odds(pd.concat(cases))
    assert both - neither > (untested - neither) + (bump - neither) + 1


def test_the_same_seed_gives_the_same_deploys():
    pd.testing.assert_frame_equal(deploy_records(100, seed=5)[0], deploy_records(100, seed=5)[0])
    assert not deploy_records(100, seed=5)[0].equals(deploy_records(100, seed=6)[0])


def test_the_label_of_a_window_is_the_last_cause_before_the_first_symptom():
    symptoms = {component for _, component, message in SYMPTOM_LINES}
    for window in log_windows(300, seed=2):
        first = next(i for i, line in enumerate(window.lines) if line.level == "ERROR")
        assert window.lines[first].component in symptoms
        causes = [
            CAUSE_OF[line.component]
            for line in window.lines[:first]
            if line.component in CAUSE_OF and line.level in ("WARN", "INFO")
        ]
        assert causes[-1] == window.cause
        assert 6 <= len(window.lines) <= 11
        assert [line.time_s for line in window.lines] == sorted(line.time_s for line in window.lines)


def test_causes_of_windows_are_equally_frequent():
    counts = Counter(window.cause for window in log_windows(2_000))
    assert set(counts) == set(CAUSES)
    assert min(counts.values()) > 430


def test_counting_words_does_not_find_the_cause():
    windows = log_windows(2_500, seed=1)
    texts, causes = [window.text() for window in windows], [window.cause for window in windows]
    words = make_pipeline(CountVectorizer(), LogisticRegression(max_iter=300)).fit(texts[:2000], causes[:2000])
    assert 0.3 < words.score(texts[2000:], causes[2000:]) < 0.6


def test_windows_are_the_same_for_the_same_seed_and_different_for_another():
    assert log_windows(5, seed=1) == log_windows(5, seed=1)
    assert log_windows(5, seed=1) != log_windows(5, seed=2)


def test_an_incident_writes_its_cause_and_then_its_symptoms():
    lines = log_stream(1800, incidents=[(600, "disk")], seed=3)
    cause = next(i for i, line in enumerate(lines) if line.level == "WARN")
    first = next(i for i, line in enumerate(lines) if line.level == "ERROR")
    assert (lines[cause].component, lines[cause].time_s) == ("kubelet", 600)
    assert 620 <= lines[first].time_s <= 660
    assert all(line.level != "ERROR" for line in lines if line.time_s < 600 or line.time_s > 970)


def test_lines_of_one_failing_request_share_a_trace_id():
    lines = [line for line in log_stream(900, incidents=[(60, "dns")]) if line.level == "ERROR"]
    assert set(Counter(line.trace_id for line in lines).values()) == {2}


def test_a_log_line_is_json_with_all_its_fields():
    line = log_stream(10, seed=1)[0]
    assert set(json.loads(line.json())) == {"time_s", "level", "component", "message", "trace_id"}
    assert len(line.trace_id) == 32


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: log_windows(1, most_lines=3), "most_lines"),
        (lambda: log_stream(10, incidents=[(1, "gremlins")]), "deploy, db, disk, dns"),
        (lambda: log_stream(0), "duration_s"),
        (lambda: deploy_records(0), "1 record or more"),
    ],
)
def test_bad_input_is_answered_with_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


def test_importing_the_world_loads_nothing_heavy():
    code = (
        "import sys, labsupport.world; print([m for m in ('pandas', 'scipy', 'sklearn', 'numpy') if m in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


@pytest.mark.parametrize("name", labsupport.world.__all__)
def test_every_public_name_is_there(name):
    assert getattr(labsupport.world, name) is not None


def test_a_misspelt_name_is_answered_with_a_sentence():
    with pytest.raises(AttributeError, match=r"dir\(labsupport.world\)"):
        labsupport.world.simulate_que  # noqa: B018
    assert np.isin("simulate_queue", dir(labsupport.world))


def test_reading_in_order_finds_the_cause():
    windows = log_windows(500, seed=1)
    assert [window.cause for window in windows] == [_last_cause_before_the_symptom(window.text()) for window in windows]


def _last_cause_before_the_symptom(text: str) -> str:
    before = text[: text.index("ERROR")].splitlines()
    candidates = [line.split()[1] for line in before if line.split()[0] == "WARN" or line.split()[1] == "rollout"]
    return CAUSE_OF[candidates[-1]]
