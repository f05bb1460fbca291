"""The node agent: it makes one machine a Node whose containers are local processes, as a kubelet makes them real ones."""
