"""Read Kubernetes' quantities, such as 100m and 1Gi. Its own client's reader would bring 80 MB into a kernel."""

import re
from fractions import Fraction

# https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/: a suffix or an exponent; 1E is a suffix.
_QUANTITY = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:[eE]([+-]?[0-9]+)|([numkMGTPE]|[KMGTPE]i)?)")
_POWERS = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
# No quantity is larger, and a larger exponent would only take time.
_LARGEST, _LARGEST_EXPONENT = 2**63 - 1, 40


def quantity(text: str | int | float) -> float:
    """Return the value of a Kubernetes quantity: `100m` is 0.1, `1Ki` is 1024, `1e3` is 1000. Raises ValueError."""
    return float(exactly(text))


def exactly(text: str | int | float) -> Fraction:
    """Return the value of a Kubernetes quantity without a rounding. Raises ValueError."""
    found = _QUANTITY.fullmatch(str(text))
    if found is None:
        raise ValueError(f"not a quantity: {text!r}")
    number, exponent, suffix = Fraction(found[1]), found[2], found[3] or ""
    if suffix in _BINARY:
        value: Fraction = number * 2 ** _BINARY[suffix]
    else:
        power = int(exponent) if exponent else _POWERS[suffix]
        value = number * Fraction(10) ** max(-_LARGEST_EXPONENT, min(power, _LARGEST_EXPONENT))
    return max(Fraction(-_LARGEST), min(value, Fraction(_LARGEST)))
