"""What the probes of the kernel's own events share: filters, cleaned text, figures in words."""

from __future__ import annotations

import os
import re
import struct
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import lru_cache
from typing import Any, ClassVar, Protocol

from ebpf import accounting
from ebpf.accounting import Counts
from ebpf.errors import UnsupportedError
from ebpf.kind import Aim, Document, Options, Reader
from ebpf.libbpf import has_tracepoint
from ebpf.loaders.interface import Everywhere, Loaded, Place
from ebpf.parsers.words import tokenish
from telemetry.masks import hides, masked

TRACE = frozenset({"CAP_BPF", "CAP_PERFMON"})
NET = TRACE | {"CAP_NET_ADMIN"}
_OWNERS = ("sends", "receives", "opens")
MOST = 20
"""Rows of a list in a summary."""


class Reading(Protocol):
    """What a probe saw. ``sentences`` say what it means for whoever is on call."""

    @property
    def counts(self) -> Counts:
        """Everything seen, and what became of it."""
        ...

    def sentences(self) -> list[str]:
        """In plain words, the most important first."""
        ...


def document(reading: Reading) -> Document:
    """A reading as JSON: its fields, its counts with whether the identity holds, its sentences."""
    return {**plain(reading), "counts": reading.counts.document(), "sentences": reading.sentences()}


def plain(value: Any) -> Any:
    """A dataclass as plain JSON; properties are left out."""
    if is_dataclass(value) and not isinstance(value, type):
        told = {one.name: getattr(value, one.name) for one in fields(value) if not one.name.startswith("_")}
        if hasattr(value, "document"):
            return value.document()
        return {name: plain(one) for name, one in told.items()}
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, (list, tuple)) else value


class TraceReader(ABC):
    """A reader of events of one layout. Satisfies :class:`ebpf.kind.Reader`; bytes that are too short tell nothing."""

    layout: ClassVar[struct.Struct]
    says: ClassVar[str]
    """The ``kind`` of its samples."""

    def __init__(self, aim: Aim, options: Options, epoch: int) -> None:
        """``epoch``: ns to add to the kernel's monotonic times for UTC since 1970."""
        self.epoch = epoch

    def event(self, data: bytes) -> Sequence[Document]:
        """See :class:`ebpf.kind.Reader`."""
        if len(data) < self.layout.size:
            return []
        return [{"kind": self.says, **plain(self.told(*self.layout.unpack_from(data)))}]

    def summary(self, loaded: Loaded) -> Document:
        """See :class:`ebpf.kind.Reader`."""
        return document(self.read(loaded))

    @abstractmethod
    def told(self, *told: Any) -> object:
        """One event as a dataclass, from the fields of :attr:`layout`."""

    @abstractmethod
    def read(self, loaded: Loaded) -> Reading:
        """The numbers so far."""


@dataclass(frozen=True, slots=True)
class KernelKind:
    """A probe on tracepoints. Satisfies :class:`ebpf.kind.Kind`."""

    name: str
    object: str
    tracepoints: frozenset[str]
    """Those it cannot do without, as ``group:name``."""
    programs: tuple[str, ...]
    reading: Callable[[Aim, Options, int], Reader]
    capabilities: frozenset[str] = TRACE
    ports: bool = False
    """Whether its programs filter by port."""
    owned: bool = False
    """Whether its events have no process of their own, so that owners of sockets have to be learnt where one is meant."""
    least_ms: int | None = None
    """Milliseconds from where on a single thing is worth an event, unless the parameter ``least_ms`` says another; None: it has no such bound."""

    def constants(self, aim: Aim, options: Options) -> Mapping[str, int]:
        """See :class:`~ebpf.kind.Kind`."""
        port = {"target_port": aim.port} if self.ports else {}
        least = {} if self.least_ms is None else {"least": options.more.get("least_ms", self.least_ms) * 1_000_000}
        return {"budget": options.budget, "slow": options.slow, **filters(aim), **port, **least}

    def places(self, aim: Aim, options: Options) -> Sequence[Place]:
        """See :class:`~ebpf.kind.Kind`."""
        learning = self.owned and bool(aim.pids)
        if learning and not has_tracepoint("sock_send_length"):
            raise UnsupportedError(
                f"{self.name} of one process needs kernel 6.3 or newer: older ones do not tell who uses a socket", where="target.pid",
                remedy="name its control group or its port instead")
        return [Everywhere(name) for name in (*(_OWNERS if learning else ()), *self.programs)]

    def reader(self, aim: Aim, options: Options, epoch: int) -> Reader:
        """See :class:`~ebpf.kind.Kind`."""
        return self.reading(aim, options, epoch)


def filters(aim: Aim) -> dict[str, int]:
    """The constants of ``bpf/target.h``. A process is named more exactly by its number than by its control group."""
    if aim.pids:
        return {"target_pid": aim.pids[0], "target_cgroup": 0}
    return {"target_pid": 0, "target_cgroup": 0 if not aim.cgroup or os.path.ismount(aim.cgroup) else aim.cgroup_id}


def counted(loaded: Loaded, in_flight: int = 0) -> Counts:
    """The counters as of now."""
    return accounting.counts(loaded.numbers("counters"), in_flight)


@lru_cache(4096)
def command(name: bytes) -> str:
    """A task's name, of 16 bytes: what is not printable or may be a secret is replaced."""
    text = re.sub(r"[^\x20-\x7e]", "?", name.split(b"\0", 1)[0].decode("ascii", "replace"))
    return "{token}" if tokenish(text) else masked(text)


@lru_cache(4096)
def path(name: bytes) -> str:
    """A path of a file: segments that may be secrets are replaced, numbers stay."""
    parts: list[str] = []
    before = ""
    for part in re.sub(r"[\x00-\x1f\x7f]", "?", name.split(b"\0", 1)[0].decode("utf-8", "replace")).split("/"):
        parts.append("{secret}" if before and part and hides(before) else "{email}" if "@" in part and "." in part else "{token}" if tokenish(part) else part)
        before = part
    return masked("/".join(parts))


def duration(ns: float | None) -> str:
    """As people say it: ``1.2 ms``, ``3 s``."""
    if ns is None:
        return "an unknown time"
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if ns >= size:
            return f"{ns / size:.3g} {unit}"
    return f"{ns:.0f} ns"


def times(number: int, one: str, many: str = "") -> str:
    """``1 connect``, ``2 connects``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def share(part: int, whole: int) -> str:
    """In percent, never rounded to none or all."""
    if not whole:
        return "0 %"
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "under 0.1 %"
    return f"{percent:.1f} %" if percent < 10 else f"{percent:.0f} %"


def losses(counts: Counts) -> list[str]:
    """What has to be known of the figures' completeness."""
    told = []
    if counts.untracked:
        told.append(f"{times(counts.untracked, 'entry', 'entries')} found no room in the kernel's tables: totals are complete, lists are not.")
    if counts.lost:
        told.append(f"{times(counts.lost, 'event was', 'events were')} lost because the buffer was full; they are in the totals.")
    return told
