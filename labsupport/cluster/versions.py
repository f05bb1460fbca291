"""The one pin of what the pocket cluster runs: versions, and where their makers publish them with their SHA-256."""

KUBERNETES = "1.36.3"
ETCD = "3.6.8"

# Formatted with version, architecture (amd64, arm64) and program.
KUBERNETES_URL = "https://dl.k8s.io/release/v{version}/bin/linux/{architecture}/{program}"
KUBERNETES_SUM_URL = KUBERNETES_URL + ".sha256"
ETCD_ARCHIVE = "etcd-v{version}-linux-{architecture}.tar.gz"
ETCD_URL = "https://github.com/etcd-io/etcd/releases/download/v{version}/" + ETCD_ARCHIVE
ETCD_SUM_URL = "https://github.com/etcd-io/etcd/releases/download/v{version}/SHA256SUMS"
