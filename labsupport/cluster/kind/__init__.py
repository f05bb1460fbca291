"""The runtime `kind`: Kubernetes whose nodes are containers of docker or podman."""
