"""What both loaders do alike once programs are in the kernel: attach to all or none, poll the ring buffer, tell what was refused."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from ebpf.errors import LoadError
from ebpf.explain import explained
from ebpf.loaders.feed import Feed
from ebpf.loaders.interface import OnEvent, Place

PER_CPU = frozenset({5, 6, 10, 21})
"""Kinds of maps with a value for each CPU (linux/bpf.h): hash, array, LRU hash, cgroup storage."""
REFUSED_BY_KERNEL = "the kernel did not take it"
REFUSED_RING = "its ring buffer cannot be opened"
REFUSED_SWEEP = "its connections cannot be looked at"


class Programs(ABC):
    """See :class:`~ebpf.loaders.interface.Loaded`."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._feed = Feed()

    def attach(self, places: Sequence[Place]) -> None:
        """See :class:`~ebpf.loaders.interface.Loaded`."""
        try:
            for place in places:
                self._attach(place)
        except BaseException:
            self.close()
            raise

    def poll(self, milliseconds: int, each: OnEvent) -> int:
        """See :class:`~ebpf.loaders.interface.Loaded`."""
        ring = self._opened_ring()
        self._feed.begin(each)
        self._poll(ring, milliseconds)
        return self._feed.end()

    @abstractmethod
    def close(self) -> None:
        """See :class:`~ebpf.loaders.interface.Loaded`."""

    @abstractmethod
    def _attach(self, place: Place) -> None:
        """Attach one program. Raises LoadError, TargetError."""

    @abstractmethod
    def _opened_ring(self) -> int:
        """The ring buffer, opened when it is first asked for. Raises LoadError."""

    @abstractmethod
    def _poll(self, ring: int, milliseconds: int) -> None:
        """Call the feed with what it holds."""

    def _explained(self, what: str, error: int, log: str) -> LoadError:
        return explained(f"probe program {self._program}", what, error, log)


def value_size(kind: int, size: int, cpus: int) -> int:
    """Bytes in which the kernel gives a value: for a map with one for each CPU, all of them, each rounded up to eight."""
    return (size + 7) // 8 * 8 * cpus if kind in PER_CPU else size
