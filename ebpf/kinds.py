"""Every kind of probe by its name: what a worker can run."""

from __future__ import annotations

from collections.abc import Mapping

from ebpf import encrypted, exchanges, signals, streaming
from ebpf.kind import Kind


def kinds() -> Mapping[str, Kind]:
    """By name, as in :mod:`ebpf.catalog`."""
    found: list[Kind] = [*exchanges.KINDS, *streaming.KINDS, *encrypted.KINDS, *signals.KINDS]
    return {kind.name: kind for kind in found}
