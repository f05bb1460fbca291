"""What the API server would still refuse of a Deployment whose selector and volumes are right, for 601.3."""

import copy
from typing import Any

from labsupport.exercises.arguments import difference
from labsupport.exercises.outcomes import Fail

Object = dict[str, Any]


def no_more_was_changed(before: Object, after: Object) -> None:
    """Raise Fail where the repaired Deployment differs in more than it must, or in a way that the schema does not know."""
    import kubernetes_validate

    if changed := difference(_rest(before), _rest(after), "manifest"):
        cause = "selector and volume are right; the API server named nothing else, so leave the rest as it was"
        raise Fail(changed, "the rest as it was handed over", cause)
    try:
        kubernetes_validate.validate(after, "1.36", strict=True)
    except kubernetes_validate.ValidationError as error:
        place = ".".join(map(str, error.path))
        cause = "so says `kubernetes_validate`, by which the cell above asks the schema"
        raise Fail(f"{place}: {error.message}"[:160], "a Deployment of the form that the schema knows", cause) from None
    volumes = after["spec"]["template"]["spec"]["volumes"]
    for volume in volumes:
        if len(volume) != 2:
            raise Fail(f"volume {volume}", "a name and one source", "a volume comes from one place")
    if len({volume["name"] for volume in volumes}) < len(volumes):
        raise Fail(f"volumes {volumes}", "each name once", "the API server refuses a second volume of the same name")


def _rest(manifest: Object) -> Object:
    """Return a Deployment without what a repair may change: selector, volumes and their names, and labels that are added."""
    rest = copy.deepcopy(manifest)
    template = rest["spec"]["template"]
    rest["spec"].pop("selector", None)
    template["spec"].pop("volumes", None)
    rest.get("metadata", {}).pop("labels", None)
    template["metadata"].pop("labels", None)
    for container in template["spec"]["containers"]:
        for mount in container.get("volumeMounts") or []:
            mount["name"] = "page"
    return rest
