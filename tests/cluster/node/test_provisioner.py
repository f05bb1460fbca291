"""A claim gets a volume of its own size, bound to it and to this node."""

from pathlib import Path

from labsupport.cluster.pocket.node.provisioner import volume_for


def test_volume_fits_its_claim() -> None:
    spec = {
        "resources": {"requests": {"storage": "1Gi"}},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "standard",
    }
    metadata = {"namespace": "shop", "name": "models", "uid": "u", "resourceVersion": "7"}
    volume = volume_for({"metadata": metadata, "spec": spec}, Path("/volumes/pvc-u"))
    assert volume["metadata"]["name"] == "pvc-u"
    assert volume["spec"]["capacity"] == {"storage": "1Gi"}
    assert volume["spec"]["claimRef"]["name"] == "models" and volume["spec"]["claimRef"]["uid"] == "u"
    assert volume["spec"]["hostPath"]["path"] == "/volumes/pvc-u"
    (term,) = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert term["matchExpressions"][0]["values"] == ["pocket"]
