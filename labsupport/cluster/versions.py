"""The one pin of what the pocket cluster runs: versions, where they are published, and their SHA-256."""

KUBERNETES = "1.36.3"
ETCD = "3.6.8"
