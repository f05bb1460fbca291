"""The search finds what breaks the rule, makes it small, and does the same each time."""

import httpx
import pytest

from labsupport.security import adversary
from labsupport.security.adversary import Attempt

GOOD = {"features": [0.5, 0.5], "name": "x"}


def search(answer, examples: int = 60):
    client = httpx.Client(transport=httpx.MockTransport(answer), base_url="http://server")
    attempts = adversary.odd_bodies(GOOD).map(lambda body: Attempt("/predict", body))
    return adversary.search(client, "http://server", attempts, examples=examples, headers={"authorization": "Bearer t"})


def test_a_server_that_keeps_the_rule_passes_all_of_them() -> None:
    found = search(lambda request: httpx.Response(422, json={"error": "no"}))
    assert found.broken is None and found.statuses[422] >= 50


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx.Response(500, json={"error": "oh"}), "blames itself"),
        (httpx.Response(400, text="bad"), "not JSON"),
        (httpx.Response(400, json={}), "without a word"),
        (httpx.Response(400, json=["bad"]), "without a word"),
    ],
)
def test_what_breaks_the_rule_is_found_and_named(answer, words) -> None:
    found = search(lambda request: httpx.Response(answer.status_code, content=answer.content))
    assert found.broken is not None and words in found.broken[1]


def test_a_rare_fault_is_found_and_found_again() -> None:
    def fails_on_nan(request: httpx.Request) -> httpx.Response:
        return httpx.Response(500 if b"NaN" in request.content else 422, json={"error": "no"})

    one, two = search(fails_on_nan), search(fails_on_nan)
    assert one.broken is not None and b"NaN" in one.broken[0].body
    assert one.broken == two.broken and one.statuses == two.statuses


def test_no_answer_in_time_breaks_the_rule_too() -> None:
    def hangs(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("too late")

    found = search(hangs)
    assert found.broken is not None and found.broken[1] == "no answer: ReadTimeout"
