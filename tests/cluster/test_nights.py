"""Nights as Jobs of the CronJob's template, and what they wrote about themselves."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from labsupport import isolated
from labsupport.cluster import lab as labs
from labsupport.cluster import nights
from labsupport.cluster.show import documents
from labsupport.data.deploy_contract import deliveries
from labsupport.errors import LabsError
from tests.memory_bucket import MemoryBucket


def test_a_nights_job_is_the_cronjobs_with_days() -> None:
    (cron,) = documents(labs.manifests_of("614") / "nightly.yaml")
    job = nights.job_for(cron, ("2024-03-18", "2024-03-19"))
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert (job["kind"], job["metadata"]["name"]) == ("Job", "night")
    assert container["args"] == ["2024-03-18", "2024-03-19"]
    assert cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["args"] == []


def test_the_nights_image_is_made_with_a_word_once(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    made: list[str] = []

    def program(name: str, command: str) -> Path:
        if not made:
            raise LabsError("It is not there yet.")
        return Path("python")

    monkeypatch.setattr(isolated, "program", program)
    monkeypatch.setattr(isolated, "make", lambda name, quiet: made.append(name))
    for name, said in (("kind", ""), ("pocket", "Making Airflow's environment, once: about a minute"), ("pocket", "")):
        nights.make_image(SimpleNamespace(cluster=SimpleNamespace(name=name)))  # type: ignore[arg-type]
        out = capsys.readouterr().out
        assert out.startswith(said) and bool(out) == bool(said)
    assert made == ["airflow"]


def test_a_night_without_a_day_is_refused() -> None:
    with pytest.raises(LabsError, match="Name a day"):
        nights.run(labs.Lab("614", None), seconds=1)  # type: ignore[arg-type]


def test_batches_arrive_as_files_of_their_days() -> None:
    bucket = MemoryBucket()
    (day,) = deliveries(1, per_day=20)
    nights.arrive(bucket, {"2024-03-04": day})
    assert bucket.get("inbox/2024-03-04.csv").decode().splitlines()[0] == ",".join(day.columns)


def test_the_ledger_has_a_row_a_night() -> None:
    bucket = MemoryBucket()
    for night, moved in (("2024-03-18", 300), ("2024-03-19", 0)):
        bucket.put_json(
            f"nights/{night}.json",
            {"night": night, "batch": None, "moved": moved, "bad": 0, "version": None, "new": False},
        )
    assert nights.ledger(bucket).moved.to_dict() == {"2024-03-18": 300, "2024-03-19": 0}
