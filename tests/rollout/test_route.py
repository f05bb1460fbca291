"""Rules of an HTTPRoute are read as the Gateway API says."""

import pytest

from labsupport.rollout.route import shares, weighted

B = {"matches": [{"headers": [{"name": "x-variant", "value": "b"}]}], "backendRefs": [{"name": "canary", "port": 1}]}
REST = {"backendRefs": [{"name": "stable", "port": 1}]}


@pytest.mark.parametrize("rules", [[B, REST], [REST, B]])
def test_the_match_that_says_more_wins_in_any_order(rules) -> None:
    assert shares(rules, {"X-Variant": "b"}) == {"canary": 1}
    assert shares(rules, {"x-variant": "B"}) == {"stable": 1}
    assert shares(rules, {}) == {"stable": 1}


def test_of_equals_the_first_wins() -> None:
    assert shares([REST, {"backendRefs": [{"name": "other"}]}], {}) == {"stable": 1}


def test_who_matches_nothing_goes_nowhere() -> None:
    assert shares([B], {}) == {}
    assert shares([], {}) == {}


def test_weights_are_shares_and_zero_is_none() -> None:
    rules = weighted({"stable": 90, "canary": 10}, 8080)["spec"]["rules"]
    assert shares(rules, {}) == {"stable": 0.9, "canary": 0.1}
    assert shares(weighted({"stable": 0, "canary": 0}, 1)["spec"]["rules"], {}) == {}
    assert shares([{"backendRefs": [{"name": "one"}, {"name": "two"}]}], {}) == {"one": 0.5, "two": 0.5}


def test_a_longer_path_comes_before_a_header() -> None:
    deep = {"matches": [{"path": {"type": "PathPrefix", "value": "/v2"}}], "backendRefs": [{"name": "deep"}]}
    assert shares([B, deep, REST], {"x-variant": "b"}, path="/v2/models") == {"deep": 1}
    assert shares([B, deep, REST], {"x-variant": "b"}, path="/v22") == {"canary": 1}


def test_a_method_comes_before_headers_and_exact_before_a_prefix() -> None:
    post = {"matches": [{"method": "POST"}], "backendRefs": [{"name": "post"}]}
    exact = {"matches": [{"path": {"type": "Exact", "value": "/a"}}], "backendRefs": [{"name": "exact"}]}
    assert shares([B, post], {"x-variant": "b"}, method="POST") == {"post": 1}
    assert shares([post, exact], {}, path="/a", method="POST") == {"exact": 1}
    assert shares([exact], {}, path="/a/b") == {}


@pytest.mark.parametrize(
    "rules",
    [
        [{"filters": []}],
        ["canary"],
        [{"matches": [{"queryParams": []}]}],
        [{"matches": [{"headers": [{"name": "a", "value": ".*", "type": "RegularExpression"}]}]}],
        [{"matches": [{"path": {"type": "RegularExpression", "value": "/a"}}]}],
        [{"backendRefs": [{"name": "a", "weight": -1}]}],
    ],
)
def test_what_it_does_not_understand_is_said(rules) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        shares(rules, {"a": "b"}, path="/a")
