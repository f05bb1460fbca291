"""The runtime `pocket`: Kubernetes itself as ordinary processes on this machine, and a node whose containers are local processes."""
