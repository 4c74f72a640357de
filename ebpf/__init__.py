"""What the kernel sees: a closed catalogue of bounded probes, how they are loaded, and what their bytes mean.

Probes are asked for by name, with typed parameters; no code ever comes from a caller. Loading needs capabilities, reading
needs none: a worker loads, attaches, drops all of them, and only then looks at bytes. Nothing here knows of agents,
approvals or tools; what may be attached is decided above, and proved by a signature that :mod:`ebpf.grants` checks.
"""
