"""What a loader does, and the places a program can be attached to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Everywhere:
    """A place that the program itself names: a tracepoint."""

    program: str


@dataclass(frozen=True, slots=True)
class Lasting(Everywhere):
    """A tracepoint at which things end. It stays after :meth:`Loaded.detach`, so that what ends then is accounted for, too."""


@dataclass(frozen=True, slots=True)
class Cgroup:
    """The packets of a control group (version 2): its folder."""

    program: str
    path: str


@dataclass(frozen=True, slots=True)
class Uprobes:
    """Functions of a file on disk, by where they begin in it; ``pid`` 0 means every process that runs it."""

    program: str
    path: str
    offsets: tuple[int, ...]
    returns: bool = False
    pid: int = 0


@dataclass(frozen=True, slots=True)
class Sampling:
    """Every CPU, so many times a second."""

    program: str
    hertz: int


@dataclass(frozen=True, slots=True)
class Sweep:
    """An iterator over a map, run when user space asks."""

    program: str
    map: str


Place = Everywhere | Cgroup | Uprobes | Sampling | Sweep
OnEvent = Callable[[bytes], None]


class Loaded(Protocol):
    """Programs in the kernel. Closing it, or the end of the process however it ends, takes them out."""

    def attach(self, places: Sequence[Place]) -> None:
        """Attach to all or to none. Raises LoadError, TargetError."""
        ...

    def poll(self, milliseconds: int, each: OnEvent) -> int:
        """Hand what the ring buffer holds to ``each``, waiting so long for the first, for a moment at most; how many there were. Raises what ``each`` raises."""
        ...

    def numbers(self, table: str) -> list[int]:
        """An array map of 64-bit numbers, summed over CPUs."""
        ...

    def entries(self, table: str) -> dict[bytes, bytes]:
        """A hash map as raw bytes: values of per-CPU maps one CPU after the other."""
        ...

    def put(self, table: str, key: int, value: int) -> None:
        """Set a number of an array map."""
        ...

    def sweep(self) -> None:
        """Run the attached iterators once."""
        ...

    def detach(self) -> None:
        """Take the programs from their places; tables, iterators and what the ring buffer holds stay readable; :class:`Lasting` ones stay."""
        ...

    def close(self) -> None:
        """Detach and unload. May be called twice."""
        ...


class Loader(Protocol):
    """One way to get programs into the kernel."""

    name: str

    def load(self, program: str, constants: Mapping[str, int], *, sizes: Mapping[str, int] | None = None,
             only: frozenset[str] | None = None) -> Loaded:
        """Load an object of ours by name, with its constants (``const volatile`` in C) and the sizes of maps set.

        ``only`` names the programs that are wanted; the others are left out. Raises LoadError, UnsupportedError.
        """
        ...
