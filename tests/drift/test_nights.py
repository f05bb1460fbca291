"""From the services' logs to a new champion, in a folder and without a cluster."""

import contextlib
from pathlib import Path

import pytest

from labsupport.apps import drift as program
from labsupport.drift import book, nightly, retrain


def run(*words: str) -> int:
    return program.main([*words])


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("logs")
    assert run("serve", f"--folder={folder}", "--until=40") == 0
    return folder


def test_labels_come_later_than_rows(logs: Path) -> None:
    columns, said = book.rows(logs / "shop")
    assert columns.shape[:2] == said.shape == (40, program.ROWS)
    assert len(book.labels(logs / "shop")) == 40 - program.LATE


def test_labels_wait_for_a_day_whose_truth_is_late(tmp_path: Path) -> None:
    for day in range(4):
        book.write_rows(tmp_path, day, [[day]], [0.5])
        if day != 1:
            book.write_labels(tmp_path, day, [day % 2 == 0])
    assert book.labels(tmp_path).tolist() == [[1.0]]
    book.write_labels(tmp_path, 1, [False])
    assert book.labels(tmp_path).tolist() == [[1.0], [0.0], [1.0], [0.0]]


def test_a_day_without_rows_between_others_is_named(tmp_path: Path) -> None:
    for day in (0, 2):
        book.write_rows(tmp_path, day, [[day]], [0.5])
    with pytest.raises(ValueError, match="no rows of day 1"):
        book.rows(tmp_path)


def test_a_writer_that_dies_leaves_the_old_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(file, **_) -> None:
        with file.open("wb") if isinstance(file, Path) else contextlib.nullcontext(file) as stream:
            stream.write(b"half")
        raise KeyboardInterrupt

    book.write_rows(tmp_path, 0, [[1.0]], [0.5])
    monkeypatch.setattr("numpy.savez", dies)
    with pytest.raises(KeyboardInterrupt):
        book.write_rows(tmp_path, 0, [[2.0]], [0.5])
    assert book.rows(tmp_path)[0].tolist() == [[[1.0]]]


def test_without_labels_the_watch_waits_and_with_them_it_tells_harm(tmp_path: Path, logs: Path) -> None:
    run("serve", f"--folder={tmp_path}", "--until=22")

    def state(home: Path) -> str:
        return nightly.watch(home, detector="ranks", level=0.05, windows=365, tolerance=3.0).state

    early = {name: state(tmp_path / name) for name in program.SERVICES}
    late = {name: state(logs / name) for name in program.SERVICES}
    assert early == {"docs": "quiet", "shop": "waiting", "web": "waiting"}
    assert late == {"docs": "quiet", "shop": "harmful", "web": "harmless"}


def test_the_repeated_t_test_alarms_a_service_in_which_nothing_changed(logs: Path) -> None:
    columns, _ = book.rows(logs / "docs")
    assert nightly.first_alarm(columns, "t-test", 0.05, 365)[0] is not None
    assert nightly.first_alarm(columns, "ranks", 0.05, 365) == (None, "")


def test_a_better_challenger_becomes_champion_and_may_be_promoted_twice(logs: Path) -> None:
    assert retrain.train(logs / "shop", 20) == round(0.6 * 15 * program.ROWS)
    said, (low, _) = retrain.judge(logs / "shop", 20)
    assert said == "better"
    assert low > 0
    for _ in range(2):
        retrain.promote(logs / "shop")
    assert book.load(logs / "shop" / book.CHAMPION)["by"] == "retraining"


def test_a_folder_without_a_log_is_said(tmp_path: Path, capsys) -> None:
    (tmp_path / "shop").mkdir()
    assert run("watch", f"--folder={tmp_path}") == 1
    assert "has the service written its log" in capsys.readouterr().err
