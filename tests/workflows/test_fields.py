"""What an operator does not know it names, whatever its shape."""

from hypothesis import given
from hypothesis import strategies as st

from labsupport.workflows import argo
from labsupport.workflows.fields import ANY, lacking, unknown

KNOWN = {"name": ANY, "steps": [{"image": ANY}]}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def test_what_is_known_is_not_named() -> None:
    assert unknown({"name": {"any": [1]}, "steps": [{"image": "x"}, {}]}, KNOWN) == []


def test_the_path_of_what_is_unknown_is_named() -> None:
    assert unknown({"steps": [{"image": "x"}, {"img": "x"}], "other": 1}, KNOWN) == ["spec.steps[1].img", "spec.other"]


def test_another_shape_is_unknown() -> None:
    assert unknown({"steps": {"image": "x"}}, KNOWN) == ["spec.steps"]
    assert unknown({"steps": ["x"]}, KNOWN) == ["spec.steps[0]"]


def test_what_is_needed_and_not_there_is_named() -> None:
    assert lacking({"steps": [{"image": "x"}, {}]}, KNOWN) == ["spec.name", "spec.steps[1].image"]
    assert lacking({"name": ""}, KNOWN) == []


@given(JSON)
def test_no_value_breaks_it(value: object) -> None:
    assert isinstance(unknown(value, argo.KNOWN), list)
