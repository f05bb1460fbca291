"""A new version takes over between two requests; one that can't be loaded changes nothing, and says so."""

import asyncio
import json

import pytest

from labsupport.monitoring.endpoint import samples, total
from labsupport.serving.models import Folder, source
from labsupport.serving.session import ModelError

INFER = "/v2/models/sum/infer"


@pytest.fixture
def numbered(tmp_path, kit):
    """A server whose version 1 adds up; the test adds versions."""
    kit.write_sum(tmp_path / "1/model.onnx")
    return kit.serve(tmp_path)


def refresh(served) -> None:
    asyncio.run(served.model.refresh())


def test_the_highest_number_is_served_and_a_removed_one_is_a_rollback(tmp_path, numbered, kit) -> None:
    (tmp_path / "9").mkdir()
    (tmp_path / "old").mkdir()
    kit.write_sum(tmp_path / "10/model.onnx", times=10)
    refresh(numbered)
    answer = kit.ask(numbered.app, "POST", INFER, json=kit.body([[1, 2]])).json()
    assert (answer["model_version"], answer["outputs"][0]["data"]) == ("10", [30.0])
    assert kit.ask(numbered.app, "GET", "/v2/models/sum/versions/1").status_code == 404
    (tmp_path / "10/model.onnx").unlink()
    refresh(numbered)
    assert kit.ask(numbered.app, "POST", INFER, json=kit.body([[1, 2]])).json()["model_version"] == "1"
    page = samples(numbered.metrics.page().decode())
    assert total(page, "model_reloads_total", {"outcome": "ok"}) == 2
    assert [s.labels["version"] for s in page if s.name == "model_serving"] == ["1"]


def test_a_version_that_does_not_load_leaves_the_old_one_and_says_so_until_it_is_mended(
    tmp_path, numbered, kit, caplog
) -> None:
    (tmp_path / "2").mkdir()
    (tmp_path / "2/model.onnx").write_bytes(b"half a file")
    for _ in range(3):
        refresh(numbered)
    answer = kit.ask(numbered.app, "POST", INFER, json=kit.body([[1, 2]])).json()
    assert (answer["model_version"], answer["outputs"][0]["data"]) == ("1", [3.0])
    assert kit.ask(numbered.app, "GET", "/v2/health/ready").status_code == 200
    metadata = kit.ask(numbered.app, "GET", "/v2/models/sum").json()
    assert metadata["versions"] == ["1"]
    assert "model.onnx can't be loaded" in metadata["parameters"]["problem"]
    page = samples(numbered.metrics.page().decode())
    assert total(page, "model_reload_failing") == 1
    assert total(page, "model_reloads_total", {"outcome": "failed"}) == 3
    assert caplog.text.count("version 1 goes on, because") == 1

    kit.write_sum(tmp_path / "2/model.onnx", times=2)
    refresh(numbered)
    metadata = kit.ask(numbered.app, "GET", "/v2/models/sum").json()
    assert (metadata["versions"], "problem" in metadata["parameters"]) == (["2"], False)
    assert total(samples(numbered.metrics.page().decode()), "model_reload_failing") == 0


def test_a_folder_that_is_emptied_leaves_the_old_version(tmp_path, numbered, kit) -> None:
    (tmp_path / "1/model.onnx").unlink()
    refresh(numbered)
    assert "no numbered folder" in (numbered.model.problem or "")
    assert kit.ask(numbered.app, "POST", INFER, json=kit.body([[1, 2]])).status_code == 200


def test_requests_that_wait_while_the_version_changes_are_answered_by_the_one_that_took_them(
    tmp_path, numbered, kit
) -> None:
    kit.write_sum(tmp_path / "2/model.onnx", times=2)

    async def across() -> list:
        async with kit.client(numbered.app) as http:

            async def ask_often() -> list:
                return [await http.post(INFER, json=kit.body([[1, 2]])) for _ in range(60)]

            asking = [asyncio.create_task(ask_often()) for _ in range(8)]
            await asyncio.sleep(0)
            await numbered.model.refresh()
            return [answer for answers in await asyncio.gather(*asking) for answer in answers]

    answers = asyncio.run(across())
    assert {answer.status_code for answer in answers} == {200}
    said = {(one["model_version"], one["outputs"][0]["data"][0]) for one in (json.loads(a.content) for a in answers)}
    assert said == {("1", 3.0), ("2", 6.0)}


@pytest.mark.parametrize(
    "model, says",
    [
        ("nowhere", "no model.onnx and no numbered folder"),
        ("n" * 300, "can't be looked at: .*name too long"),
        ("models:/deploy-risk", "write models:/name@alias"),
        ("models:/deploy-risk/3", "write models:/name@alias"),
        ("models:/deploy-risk@champion", "MLFLOW_TRACKING_URI is not set"),
    ],
)
def test_places_without_a_model_are_named_with_what_to_do(monkeypatch, model, says) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(ModelError, match=says):
        source(model).newest()


def test_a_plain_folder_is_version_1(tmp_path, kit) -> None:
    kit.write_sum(tmp_path / "model.onnx")
    assert Folder(tmp_path).newest() == "1"


def asked(served, kit) -> tuple[str, float]:
    answer = kit.ask(served.app, "POST", INFER, json=kit.body([[1, 2]])).json()
    return answer["model_version"], answer["outputs"][0]["data"][0]


@pytest.mark.parametrize("names, served", [(("01", "002"), "2"), (("1", "010", "9"), "10"), (("0",), "0")])
def test_leading_zeros_mean_the_same_number(tmp_path, kit, names, served) -> None:
    for name in names:
        kit.write_sum(tmp_path / name / "model.onnx", times=int(name) + 1)
    assert asked(kit.serve(tmp_path), kit) == (served, 3.0 * (int(served) + 1))


def test_two_folders_of_the_number_to_be_served_are_named_and_others_do_not_matter(tmp_path, kit) -> None:
    for name in ("1", "01"):
        kit.write_sum(tmp_path / name / "model.onnx")
    with pytest.raises(ModelError, match="version 1 is in 01 and 1 of .*: leave one folder"):
        kit.serve(tmp_path)
    kit.write_sum(tmp_path / "002/model.onnx", times=2)
    served = kit.serve(tmp_path)
    assert asked(served, kit) == ("2", 6.0)
    kit.write_sum(tmp_path / "2/model.onnx", times=3)
    refresh(served)
    assert asked(served, kit) == ("2", 6.0)
    assert "version 2 is in 002 and 2" in (served.model.problem or "")


@pytest.mark.parametrize("name", ["v2", "2.0", "-2", "\u0662", "2 ", "+2", "2_0"])
def test_a_folder_that_is_no_number_is_no_version(tmp_path, numbered, kit, name) -> None:
    kit.write_sum(tmp_path / name / "model.onnx", times=2)
    refresh(numbered)
    assert (asked(numbered, kit), numbered.model.problem) == (("1", 3.0), None)


@pytest.mark.parametrize("where", ["model.onnx", "3/model.onnx"])
@pytest.mark.parametrize("in_one_step", [True, False])
def test_a_file_that_is_replaced_in_place_is_served_under_its_number(tmp_path, kit, where, in_one_step) -> None:
    kit.write_sum(tmp_path / where)
    served = kit.serve(tmp_path)
    version, before = asked(served, kit)
    new = kit.write_sum(tmp_path / "new.onnx", times=2)
    if in_one_step:
        new.replace(tmp_path / where)
    else:
        (tmp_path / where).write_bytes(new.read_bytes())
    refresh(served)
    assert asked(served, kit) == (version, 2 * before)
    page = samples(served.metrics.page().decode())
    assert total(page, "model_reloads_total", {"outcome": "ok"}) == 1
    refresh(served)
    assert total(samples(served.metrics.page().decode()), "model_reloads_total", {"outcome": "ok"}) == 1


def test_half_a_file_in_its_place_leaves_the_old_answers_until_it_is_whole(tmp_path, kit) -> None:
    path = kit.write_sum(tmp_path / "model.onnx")
    served = kit.serve(tmp_path)
    whole = kit.write_sum(tmp_path / "new.onnx", times=2).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    refresh(served)
    assert (asked(served, kit), "can't be loaded" in (served.model.problem or "")) == (("1", 3.0), True)
    path.write_bytes(whole)
    refresh(served)
    assert (asked(served, kit), served.model.problem) == (("1", 6.0), None)


def test_a_link_that_points_elsewhere_is_a_new_content(tmp_path, kit) -> None:
    kit.write_sum(tmp_path / "first.onnx")
    kit.write_sum(tmp_path / "second.onnx", times=2)
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "model.onnx").symlink_to(tmp_path / "first.onnx")
    served = kit.serve(folder)
    assert asked(served, kit) == ("1", 3.0)
    (folder / "model.onnx").unlink()
    (folder / "model.onnx").symlink_to(tmp_path / "second.onnx")
    refresh(served)
    assert asked(served, kit) == ("1", 6.0)
