"""What the kernel saw: bounded probes by name, and what the bytes they bring say.

Probes are attached only by approval and only for a while; what comes of them are typed calls (:mod:`ebpf.calls`) whose
text has been redacted (:mod:`ebpf.redact`). Raw bytes never leave this package. It asks no model and decides nothing.
"""
