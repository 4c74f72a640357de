"""Every kind of probe by its name: what a worker can run. A worker needs one, and imports no other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from ebpf.kind import Kind

_HOMES: Mapping[str, str] = {
    **dict.fromkeys(("http", "postgres", "mysql", "dns"), "ebpf.exchanges"), "grpc": "ebpf.streaming", "https": "ebpf.encrypted",
    "tcp_connect": "ebpf.signals.connects", "tcp_retransmits": "ebpf.signals.retransmits", "tcp_resets": "ebpf.signals.resets",
    "accept_overflow": "ebpf.signals.accepts", "run_queue": "ebpf.signals.scheduler", "off_cpu": "ebpf.signals.blocking",
    "cpu_profile": "ebpf.signals.profile", "block_io": "ebpf.signals.blocks", "file_latency": "ebpf.signals.files",
    "syscall_errors": "ebpf.signals.failures", "process_exits": "ebpf.signals.exits", "oom_kills": "ebpf.signals.ooms",
}


def kind_of(name: str) -> Kind:
    """One kind. Raises KeyError for a name that is not in :mod:`ebpf.catalog`."""
    return next(kind for kind in _offered(_HOMES[name]) if kind.name == name)


def kinds() -> Mapping[str, Kind]:
    """All of them."""
    return {name: kind_of(name) for name in _HOMES}


def signal_kinds() -> tuple[Kind, ...]:
    """Those of the kernel's own events."""
    return tuple(kind_of(name) for name, home in _HOMES.items() if home.startswith("ebpf.signals."))


def _offered(module: str) -> Iterator[Kind]:
    """What a module offers as ``KINDS`` or ``KIND``."""
    home = import_module(module)
    yield from getattr(home, "KINDS", ()) or (home.KIND,)
