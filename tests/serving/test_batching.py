"""Batches form from what has arrived, nobody waits, and what is too much is refused instead of queued for ever."""

import asyncio

import numpy as np
import pytest

from labsupport.serving.batching import STAGES, Batcher, Busy, Stages
from labsupport.serving.session import Session


class Doubling:
    """A model that doubles, and keeps how many rows each call had."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def __call__(self, inputs):
        self.calls.append(len(inputs["x"]))
        return {"y": 2 * inputs["x"]}


def rows(*values: float) -> dict:
    return {"x": np.array(values).reshape(-1, 1)}


def test_what_arrives_in_one_turn_is_one_call_and_everybody_gets_their_own_rows() -> None:
    model = Doubling()

    async def three() -> list:
        batcher = Batcher(model)
        return list(
            await asyncio.gather(batcher.submit(rows(1), 1), batcher.submit(rows(2, 3), 2), batcher.submit(rows(4), 1))
        )

    answers = asyncio.run(three())
    assert [answer["y"].ravel().tolist() for answer in answers] == [[2], [4, 6], [8]]
    assert model.calls == [4]


def test_a_lonely_request_is_computed_in_the_next_turn_of_the_loop() -> None:
    async def one() -> bool:
        answer = Batcher(Doubling()).submit(rows(1), 1)
        await asyncio.sleep(0)
        return answer.done()

    assert asyncio.run(one())


def test_a_batch_ends_where_it_would_get_too_large_and_a_large_request_goes_alone() -> None:
    model = Doubling()

    async def many() -> None:
        batcher = Batcher(model, most_rows=4)
        await asyncio.gather(*(batcher.submit(rows(*range(n)), n) for n in (3, 1, 2, 9, 1)))

    asyncio.run(many())
    assert model.calls == [4, 2, 9, 1]


def test_a_model_that_takes_no_batches_gets_one_request_a_call() -> None:
    model = Doubling()

    async def three() -> None:
        batcher = Batcher(model, together=False)
        await asyncio.gather(*(batcher.submit(rows(i), 1) for i in range(3)))

    asyncio.run(three())
    assert model.calls == [1, 1, 1]


def test_rows_that_nobody_can_tell_apart_are_asked_for_one_by_one() -> None:
    def positive(inputs):
        return {"y": inputs["x"][inputs["x"][:, 0] > 0]}

    async def two() -> list:
        batcher = Batcher(positive)
        return list(await asyncio.gather(batcher.submit(rows(-1), 1), batcher.submit(rows(7), 1)))

    assert [answer["y"].ravel().tolist() for answer in asyncio.run(two())] == [[], [7]]


def test_a_model_whose_outputs_have_rows_of_their_own_takes_no_batches(tmp_path, kit) -> None:
    kit.write_positive(tmp_path / "model.onnx")
    assert not Session(tmp_path / "model.onnx").batches
    kit.write_sum(tmp_path / "model.onnx")
    assert Session(tmp_path / "model.onnx").batches


def test_one_more_than_may_wait_is_refused_and_the_others_are_answered() -> None:
    async def four() -> list:
        batcher = Batcher(Doubling(), most_waiting=3)
        waiting = [batcher.submit(rows(i), 1) for i in range(3)]
        with pytest.raises(Busy):
            batcher.submit(rows(9), 1)
        await asyncio.gather(*waiting)
        return [await batcher.submit(rows(9), 1)]

    assert asyncio.run(four())[0]["y"].item() == 18


def test_who_has_gone_is_not_computed() -> None:
    model = Doubling()

    async def two() -> None:
        batcher = Batcher(model)
        gone, there = batcher.submit(rows(1), 1), batcher.submit(rows(2), 1)
        gone.cancel()
        await there

    asyncio.run(two())
    assert model.calls == [1]


def test_a_flood_is_answered_by_429_and_the_server_recovers(tmp_path, kit) -> None:
    kit.write_sum(tmp_path / "model.onnx")
    served = kit.serve(tmp_path, most_waiting=20)

    async def flood() -> tuple[list, int]:
        async with kit.client(served.app) as http:
            infer = "/v2/models/sum/infer"
            answers = await asyncio.gather(*(http.post(infer, json=kit.body([[1, 2]])) for _ in range(200)))
            after = await http.post(infer, json=kit.body([[1, 2]]))
            return answers, after.status_code

    answers, after = asyncio.run(flood())
    statuses = [answer.status_code for answer in answers]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert set(statuses) == {200, 429}
    assert statuses.count(200) >= 20
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    assert after == 200
    assert len(served.model.current.batcher) == 0


def test_who_watches_is_told_when_it_was_taken_and_with_whom() -> None:
    async def two() -> list[Stages]:
        batcher, watched = Batcher(Doubling()), []

        async def ask(number: int, count: int) -> None:
            stages = Stages()
            watched.append(stages)
            STAGES.set(stages)
            await batcher.submit(rows(*range(count)), count)

        await asyncio.gather(ask(1, 1), ask(2, 3))
        return watched

    for stages in asyncio.run(two()):
        assert 0 < stages.queued_ns <= stages.taken_ns <= stages.done_ns
        assert (stages.requests, stages.rows) == (2, 4)


def test_who_does_not_watch_is_not_told() -> None:
    async def one() -> Stages:
        stages = Stages()
        await Batcher(Doubling()).submit(rows(1), 1)
        return stages

    assert asyncio.run(one()) == Stages()
