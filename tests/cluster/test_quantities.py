import pytest

from labsupport.cluster.quantities import quantity


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[("100m", 0.1), ("1Ki", 1024), ("1.5Gi", 1.5 * 2**30), (2, 2), ("1e3", 1000), ("5M", 5e6), ("100u", 1e-4)],
        *[
            ("7n", 7e-9),
            ("3k", 3e3),
            ("2G", 2e9),
            ("2T", 2e12),
            ("2P", 2e15),
            ("2E", 2e18),
            ("1E3", 1000),
            ("+.5", 0.5),
        ],
        *[("1Mi", 2**20), ("1Ti", 2**40), ("1Pi", 2**50), ("1Ei", 2**60), ("-1", -1), ("5.", 5), ("1e-3", 0.001)],
        # No quantity is larger than 2^63 - 1, as in Kubernetes.
        *[("100Ei", 2**63 - 1), ("1e999999999", 2**63 - 1), ("1e-999999999", 0)],
    ],
)
def test_quantities_are_numbers_with_a_unit(text: str, value: float) -> None:
    assert quantity(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "1X", "Mi", "1 Gi", "1.2.3", ".", "1Ee", "1ki", "1eE", "0x10", "1_0"])
def test_other_words_are_no_quantities(text: str) -> None:
    with pytest.raises(ValueError, match="not a quantity"):
        quantity(text)
