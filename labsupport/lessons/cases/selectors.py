"""Label selectors of Deployments, as the checks of 601 and 604 read them."""

from typing import Any

from labsupport.exercises.outcomes import Fail

Object = dict[str, Any]


def matches(selector: Object, labels: Object) -> bool:
    """Tell whether a label selector matches labels; raises Fail for one of another form."""
    wanted, expressions = selector.get("matchLabels") or {}, selector.get("matchExpressions") or []
    tests = {
        "In": lambda key, values: labels.get(key) in values,
        "NotIn": lambda key, values: labels.get(key) not in values,
        "Exists": lambda key, values: key in labels,
        "DoesNotExist": lambda key, values: key not in labels,
    }
    try:
        fits = [tests[one["operator"]](one["key"], one.get("values", [])) for one in expressions]
        return bool(wanted or fits) and all(labels.get(key) == value for key, value in wanted.items()) and all(fits)
    except (KeyError, TypeError, AttributeError):
        cause = "`matchLabels` is a dictionary of labels, `matchExpressions` a list of key, operator, values"
        raise Fail(f"selector {selector}", "{'matchLabels': {...}}", cause) from None
