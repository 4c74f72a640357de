"""What a kind of probe is: where its programs go, what their constants are, and what their bytes mean.

A worker runs any of them. Everything here is plain Python and imported by the worker: keep it light.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ebpf.loaders.interface import Loaded, Place

Document = Mapping[str, Any]
"""Plain JSON, every string of it redacted."""


@dataclass(frozen=True, slots=True)
class Aim:
    """A target as the kernel filters by it. Empty and 0 mean: any."""

    cgroup: str = ""
    """The folder of the control group (version 2) whose packets are looked at."""
    cgroup_id: int = 0
    """What ``bpf_get_current_cgroup_id`` gives for its tasks: the folder's inode."""
    pids: tuple[int, ...] = ()
    """Processes (thread groups) that are meant, where not all of the control group are."""
    port: int = 0
    side: str = "either"
    """``server``: requests come in; ``client``: they go out; ``either``."""


@dataclass(frozen=True, slots=True)
class Options:
    """What else was approved."""

    budget: int = 50
    """Events a second and CPU; 0 for all."""
    slow: int = 500_000_000
    """ns from where on a thing is slow: it may use the reserved half of the budget."""
    capture: int = 512
    """Bytes kept of a request's and of a response's head."""
    more: Mapping[str, int] = field(default_factory=dict)
    """Parameters that this kind alone has."""


class Reader(Protocol):
    """What makes sense of one session's bytes. Never raises on bytes, whatever they are."""

    def event(self, data: bytes) -> Sequence[Document]:
        """What one event of the ring buffer tells; often one document, none while a message is incomplete."""
        ...

    def summary(self, loaded: Loaded) -> Document:
        """The numbers so far: counts, histograms, lists of the most. Also called after the last event."""
        ...


class Kind(Protocol):
    """One kind of probe of the catalogue."""

    @property
    def name(self) -> str:
        """As in :mod:`ebpf.catalog`."""
        ...

    @property
    def object(self) -> str:
        """The object's name, as in ``ebpf/bpf/NAME.bpf.c``."""
        ...

    @property
    def capabilities(self) -> frozenset[str]:
        """What attaching needs; reading needs nothing."""
        ...

    @property
    def tracepoints(self) -> frozenset[str]:
        """Those it cannot do without, as ``group:name``."""
        ...

    def constants(self, aim: Aim, options: Options) -> Mapping[str, int]:
        """The object's constants."""
        ...

    def places(self, aim: Aim, options: Options) -> Sequence[Place]:
        """Where its programs are attached. Raises TargetError."""
        ...

    def reader(self, aim: Aim, options: Options, epoch: int) -> Reader:
        """A reader for one session; ``epoch``: ns to add to the kernel's monotonic times for UTC since 1970."""
        ...
