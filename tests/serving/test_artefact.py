"""What is saved comes back the same; what is not as it was saved is refused before anything is built from it."""

import hashlib
import json
import os
import zipfile

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression as Library
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from labsupport.ml.linear import GradientDescentRegression, LinearRegression
from labsupport.ml.table import TableModel
from labsupport.serving import artefact
from labsupport.serving.artefact import ArtefactError

UNITS = {"requests_per_s": "requests per second", "replicas": "replicas", "cpu_percent": "percent of a replica's CPU"}


@pytest.fixture
def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"requests_per_s": rng.uniform(20, 60, 100), "replicas": rng.uniform(4, 8, 100)})
    return table.assign(cpu_percent=table.requests_per_s - 2 * table.replicas + rng.normal(size=100))


@pytest.fixture
def saved(table, tmp_path):
    X, y = table[["requests_per_s", "replicas"]], table["cpu_percent"]
    artefact.save(LinearRegression().fit(X, y), tmp_path / "model", X, y, UNITS)
    return tmp_path / "model"


def edit_card(folder, **changes) -> None:
    path = folder / artefact.CARD
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    "model",
    [LinearRegression(), Library(), make_pipeline(StandardScaler(), GradientDescentRegression(steps=50))],
    ids=["ours", "library", "pipeline"],
)
def test_a_model_answers_the_same_after_it_was_saved(model, table, tmp_path) -> None:
    X, y = table[["requests_per_s", "replicas"]], table["cpu_percent"]
    model.fit(X, y)
    artefact.save(model, tmp_path, X, y, UNITS)
    np.testing.assert_array_equal(artefact.load(tmp_path).predict(X), model.predict(X))


def test_the_card_says_what_the_model_learnt_from(saved, table) -> None:
    card = artefact.load(saved).card
    assert [column.name for column in card.columns] == ["requests_per_s", "replicas"]
    assert card.columns[0].unit == "requests per second"
    assert (card.columns[1].low, card.columns[1].high) == (table.replicas.min(), table.replicas.max())
    assert card.target.name == "cpu_percent"
    assert card.examples == 100
    assert set(card.versions) == {"labsupport", "numpy", "scikit-learn", "skops"}


def test_a_tampered_file_is_refused(saved) -> None:
    path = saved / artefact.MODEL
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ArtefactError, match="not the file of its card"):
        artefact.load(saved)


def test_a_file_of_an_unknown_type_is_refused_although_its_hash_is_right(saved, tmp_path) -> None:
    import skops.io

    class Stranger:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "made_by_loading"),)

    stored = skops.io.dumps(Stranger())
    (saved / artefact.MODEL).write_bytes(stored)
    edit_card(saved, sha256=hashlib.sha256(stored).hexdigest())
    with pytest.raises(ArtefactError, match=r"not trusted: .*Stranger"):
        artefact.load(saved)
    assert not (tmp_path / "made_by_loading").exists()


class Unknown(LinearRegression):
    """A type that nobody has decided to trust."""


def test_a_model_that_could_not_be_loaded_is_not_saved(table, tmp_path) -> None:
    X, y = table[["replicas"]], table["cpu_percent"]
    with pytest.raises(ArtefactError, match=r"not trusted: .*Unknown"):
        artefact.save(Unknown().fit(X, y), tmp_path / "model", X, y, UNITS)
    with pytest.raises(ArtefactError, match="TableModel holds something"):
        artefact.save(TableModel().fit(X.round(), y > 30), tmp_path / "model", X, y, UNITS)
    assert not (tmp_path / "model").exists()


def test_a_column_without_unit_is_not_saved(table, tmp_path) -> None:
    X, y = table[["requests_per_s", "replicas"]], table["cpu_percent"]
    with pytest.raises(ArtefactError, match="replicas has no unit"):
        artefact.save(LinearRegression().fit(X, y), tmp_path, X, y, UNITS | {"replicas": ""})


def test_another_order_of_columns_is_refused(saved, table) -> None:
    with pytest.raises(ArtefactError, match="another order"):
        artefact.load(saved).predict(table[["replicas", "requests_per_s"]])


def test_other_columns_are_refused(saved, table) -> None:
    model = artefact.load(saved)
    with pytest.raises(ArtefactError, match="got requests_per_min, replicas"):
        model.predict(table.rename(columns={"requests_per_s": "requests_per_min"})[["requests_per_min", "replicas"]])
    with pytest.raises(ArtefactError, match="got requests_per_s$"):
        model.predict(table[["requests_per_s"]])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_missing_and_infinite_values_are_refused(saved, table, bad: float) -> None:
    table.loc[7, "replicas"] = bad
    with pytest.raises(ArtefactError, match="replicas has missing or infinite values"):
        artefact.load(saved).predict(table[["requests_per_s", "replicas"]])


def test_text_and_empty_tables_are_refused(saved, table) -> None:
    model = artefact.load(saved)
    X = table[["requests_per_s", "replicas"]]
    with pytest.raises(ArtefactError, match="does not hold numbers"):
        model.predict(X.astype({"replicas": str}))
    with pytest.raises(ArtefactError, match="no rows"):
        model.predict(X.head(0))


def test_values_outside_the_examples_are_told(saved, table) -> None:
    model = artefact.load(saved)
    X = table[["requests_per_s", "replicas"]]
    assert model.outside(X) == []
    assert model.outside(X.head(1).assign(replicas=50.0)) == [
        f"replicas is 50; the model learnt from {table.replicas.min():.4g} to {table.replicas.max():.4g}"
    ]


def test_another_release_of_the_library_is_refused(saved) -> None:
    edit_card(saved, versions={"scikit-learn": "1.2.2"})
    with pytest.raises(ArtefactError, match=r"saved by scikit-learn 1\.2\.2"):
        artefact.load(saved)


@pytest.mark.parametrize("name", [artefact.MODEL, artefact.CARD])
def test_a_missing_file_is_named(saved, name: str) -> None:
    (saved / name).unlink()
    with pytest.raises(ArtefactError, match=f"{name} is missing"):
        artefact.load(saved)


@pytest.mark.parametrize("changes", [{"author": "?"}, {"columns": []}, {"examples": "100"}, {"sha256": "none"}])
def test_a_card_that_breaks_its_contract_is_refused(saved, changes: dict) -> None:
    edit_card(saved, **changes)
    with pytest.raises(ArtefactError, match=f"not a card: {next(iter(changes))}"):
        artefact.load(saved)


def test_the_file_holds_data_and_a_schema_only(saved) -> None:
    names = zipfile.ZipFile(saved / artefact.MODEL).namelist()
    assert all(name == "schema.json" or name.endswith(".npy") for name in names)
