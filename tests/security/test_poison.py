"""The poisoned file runs code and gives the model back; it can only write below the temporary folder; scanning shows what it shows."""

import pickle
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from labsupport.security import benchmarked, opcodes
from labsupport.security.poison import Poisoned


@pytest.fixture
def model():
    return LogisticRegression().fit(np.array([[0.0], [1.0]]), [0, 1])


def test_loading_gives_the_model_and_runs_the_code_in_a_process_without_the_course(model, tmp_path) -> None:
    joblib.dump(Poisoned(model, tmp_path / "marker"), tmp_path / "poisoned.joblib")
    assert not (tmp_path / "marker").exists()
    code = f"import joblib, sys; m = joblib.load({str(tmp_path / 'poisoned.joblib')!r}); print(type(m).__name__, 'labsupport' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert said.stdout.split() == ["LogisticRegression", "False"]
    assert "code of the file ran here" in (tmp_path / "marker").read_text()


@pytest.mark.parametrize("marker", [Path("/etc/marker"), Path.home() / "marker", Path("marker")])
def test_it_writes_nowhere_else(model, marker, monkeypatch) -> None:
    monkeypatch.chdir("/")  # the clone itself may lie among temporary files
    with pytest.raises(ValueError, match="temporary files only"):
        Poisoned(model, marker)


def test_the_call_is_seen_in_a_plain_pickle_only(model, tmp_path) -> None:
    plain = pickle.dumps(Poisoned(model, tmp_path / "marker"))
    seen = opcodes.imports(plain)
    assert "runpy._run_code" in seen.imports and seen.error is None and seen.read == len(plain)
    good = opcodes.imports(pickle.dumps(model))
    assert "runpy._run_code" not in good.imports and "sklearn.linear_model._logistic.LogisticRegression" in good.imports


def test_bytes_that_are_no_opcodes_end_the_reading_with_an_error() -> None:
    seen = opcodes.imports(pickle.dumps(print)[:-1] + b"\xff\xff")
    assert seen.error is not None and "builtins.print" in seen.imports


def test_a_name_that_was_remembered_is_found_again() -> None:
    assert opcodes.imports(pickle.dumps([print, len], protocol=4)).imports == ["builtins.print", "builtins.len"]


def test_the_scanners_tell_plain_pickles_apart_and_no_others() -> None:
    found = benchmarked.scanners()
    assert benchmarked.separates(found, "pickle") == ["modelscan", "picklescan"]
    assert benchmarked.separates(found, "joblib") == benchmarked.separates(found, "compressed joblib") == []
    assert set(found["versions"]) == {"modelscan", "picklescan", "fickling"}


def test_the_encryption_was_measured_as_promised() -> None:
    found = benchmarked.encryption()
    peaks = [row["peak_mb"] for row in found["took"] if row["scheme"] == "stream"]
    assert found["gib"] == 1 and max(peaks) <= 30 and found["times_faster"] >= 7
    assert found["attacks"] == 12 and found["not_refused"] == []
