"""The one pin of what the labs' clusters run: versions, images by digest, and where their makers publish them."""

KUBERNETES = "1.36.3"
ETCD = "3.6.8"

# Formatted with version, architecture (amd64, arm64) and program.
KUBERNETES_URL = "https://dl.k8s.io/release/v{version}/bin/linux/{architecture}/{program}"
KUBERNETES_SUM_URL = KUBERNETES_URL + ".sha256"
ETCD_ARCHIVE = "etcd-v{version}-linux-{architecture}.tar.gz"
ETCD_URL = "https://github.com/etcd-io/etcd/releases/download/v{version}/" + ETCD_ARCHIVE
ETCD_SUM_URL = "https://github.com/etcd-io/etcd/releases/download/v{version}/SHA256SUMS"

# kind publishes node images for its own releases only: https://github.com/kubernetes-sigs/kind/releases/tag/v0.33.0.
# That release has none of 1.36.3; 1.36.4 is the same minor version, one patch newer.
KIND = "0.33.0"
NODE_IMAGE = "kindest/node:v1.36.4@sha256:099e049362a1526b2db71494e1947aae99bd16290d7c895f2b7ea312e3cbfaed"
# Python 3.11.16; `docker pull python:3.11-slim-bookworm` prints the digest of a newer one. The Dockerfile has the same.
BASE_IMAGE = "python:3.11-slim-bookworm@sha256:528257d48c1da0dcecc2e725d1ae34498d60c965f1241e39cd6a85a8859bdf84"

# Their images have the same numbers; Prometheus counts its Go module's versions otherwise (3.16.0 is v0.316.0).
PROMETHEUS = "3.16.0"
ALERTMANAGER = "0.35.0"
# Formatted with project (prometheus, alertmanager), version, system (linux, darwin) and architecture.
PROMETHEUS_ARCHIVE = "{project}-{version}.{system}-{architecture}.tar.gz"
_PROMETHEUS_RELEASE = "https://github.com/prometheus/{project}/releases/download/v{version}/"
PROMETHEUS_URL = _PROMETHEUS_RELEASE + PROMETHEUS_ARCHIVE
PROMETHEUS_SUM_URL = _PROMETHEUS_RELEASE + "sha256sums.txt"
