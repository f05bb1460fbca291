"""The node agent: it makes one machine a Node whose containers are local processes, as a kubelet makes them real ones.

Where to read: `pod` and `node` are what all the others are given; `agent` starts everything; `registration` is the Node,
its lease and its heartbeat; `pods` follows the API server's list of pods, and `life` is what one pod goes through, with
`containers`, `probes`, `hooks`, `volumes`, `variables`, `images`, `restarts` and `memory`; `status` and `events` tell the
API server. `server` is the kubelet's port (`logs`, `exec`, `portforward`, `metrics`), `proxy` and `names` are kube-proxy
and DNS, `provisioner` makes volumes.

What differs from a kubelet: pauses between restarts double from 1 s to 60 s (Kubernetes: 10 s to 300 s); a container that
is not ready yet is probed several times a second; a changed ConfigMap reaches its files at once; images are names, and nothing
isolates pods; a container's processes have the machine's process ids, so `kill 1` does not mean the first of them; names
of Services are known to Python alone, other programs take them from variables such as WEB_SERVICE_HOST, or find addresses
in place of names in a ConfigMap whose annotation `labs/pocket-names` lists them.
"""
