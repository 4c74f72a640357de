"""Probes compiled on the node by the distribution's bcc: where no compiled object fits.

The same C, the same programs and the same events as :mod:`ebpf.loaders.core`. bcc is the compiler and reads the ring buffer;
maps, programs and links are made by the system call itself, so that libbpf need not be there. Fields of kernel structures
come from the running kernel's own types, never from headers.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ebpf import btf, direct
from ebpf.errors import LoadError, UnsupportedError
from ebpf.loaders.bccmodule import Bcc, RingCallback, bcc
from ebpf.loaders.dialect import Translated, fact, translate
from ebpf.loaders.folders import open_group
from ebpf.loaders.interface import Cgroup, Everywhere, Lasting, Place, Sampling, Sweep, Uprobes
from ebpf.loaders.loaded import PER_CPU, REFUSED_BY_KERNEL, REFUSED_RING, REFUSED_SWEEP, Programs, value_size
from ebpf.loaders.relocate import constant, relocated
from ebpf.perf import sampling_events
from ebpf.uprobes import link_uprobes

_STORAGES = frozenset({24, 28, 29, 32})
"""Of sockets, inodes, tasks and control groups: the kernel wants to know the types of these."""
_CGROUP = {"cgroup_skb/ingress": 0, "cgroup_skb/egress": 1}
_KPROBE, _PERF_EVENT, _CGROUP_SKB, _TRACING = 2, 7, 8, 26
_RAW_TRACEPOINT, _ITERATOR, _SAMPLES, _UPROBE_MULTI = 23, 28, 41, 48


@dataclass(frozen=True, slots=True)
class Table:
    """A map in the kernel; sizes in bytes."""

    descriptor: int
    kind: int
    key: int
    value: int
    entries: int


class BccLoader:
    """The second choice."""

    name = "bcc"

    def load(self, program: str, constants: Mapping[str, int], *, sizes: Mapping[str, int] | None = None,
             only: frozenset[str] | None = None) -> BccLoaded:
        """Compile and load ``program``. Raises LoadError, UnsupportedError."""
        compiler, types = bcc(), btf.running()
        return BccLoaded(compiler, program, translate(program, constants, types), types, sizes or {}, only)


class BccLoaded(Programs):
    """One program's text in the kernel."""

    def __init__(self, compiler: Bcc, program: str, made: Translated, types: btf.Types, sizes: Mapping[str, int], only: frozenset[str] | None) -> None:
        super().__init__(program)
        self._bcc, self._types = compiler, types
        self._tables: dict[str, Table] = {}
        self._programs: dict[str, tuple[int, str]] = {}
        self._held: list[int] = []
        self._links: list[int] = []
        self._lasting: list[int] = []
        self._sweeps: list[int] = []
        self._ring = 0
        self._callback = RingCallback(self._feed.sample)
        for name in sizes:
            if name not in made.maps:
                raise KeyError(name)
        facts = [fact(number, one) for number, told in enumerate(made.maps.values()) for one in told]
        wanted = [name for name in made.programs if only is None or name in only]
        code = compiler.compile(made.text, [*facts, *wanted])
        try:
            for number, (name, told) in enumerate(made.maps.items()):
                self._tables[name] = self._table(name, {one: constant(code[fact(number, one)]) for one in told}, sizes.get(name))
            descriptors = [table.descriptor for table in self._tables.values()]
            for name in wanted:
                self._programs[name] = self._load(name, made.programs[name], relocated(code[name], descriptors)), made.programs[name]
        except BaseException:
            self.close()
            raise

    def _opened_ring(self) -> int:
        if not self._ring:
            self._ring = self._bcc.ring(self._tables["ring"].descriptor, self._callback)
            if not self._ring:
                raise self._refused(REFUSED_RING, OSError(ctypes.get_errno(), ""))
        return self._ring

    def _poll(self, ring: int, milliseconds: int) -> None:
        self._bcc.poll(ring, milliseconds)

    def numbers(self, table: str) -> list[int]:
        """See :class:`~ebpf.loaders.interface.Loaded`."""
        found = self._tables[table]
        cpus = direct.cpus() if found.kind in PER_CPU else 1
        read = (direct.lookup(found.descriptor, struct.pack("=I", key), 8 * cpus) for key in range(found.entries))
        return [sum(struct.unpack(f"={cpus}Q", value or bytes(8 * cpus))) for value in read]

    def entries(self, table: str) -> dict[bytes, bytes]:
        """See :class:`~ebpf.loaders.interface.Loaded`."""
        found = self._tables[table]
        size = value_size(found.kind, found.value, direct.cpus())
        read: dict[bytes, bytes] = {}
        for key in self._keys(found):
            if (value := direct.lookup(found.descriptor, key, size)) is not None:
                read[key] = value
        return read

    def put(self, table: str, key: int, value: int) -> None:
        """See :class:`~ebpf.loaders.interface.Loaded`."""
        try:
            direct.update(self._tables[table].descriptor, struct.pack("=I", key), struct.pack("=Q", value))
        except OSError as error:
            raise self._refused(f"its table {table} cannot be set", error) from error

    def sweep(self) -> None:
        """See :class:`~ebpf.loaders.interface.Loaded`."""
        for made in self._sweeps:
            try:
                direct.run_iterator(made)
            except OSError as error:
                raise self._refused(REFUSED_SWEEP, error) from error

    def detach(self) -> None:
        """See :class:`~ebpf.loaders.interface.Loaded`."""
        _close(self._links)

    def close(self) -> None:
        """See :class:`~ebpf.loaders.interface.Loaded`."""
        _close(self._links)
        _close(self._lasting)
        _close(self._sweeps)
        if self._ring:
            self._bcc.free(self._ring)
            self._ring = 0
        _close(self._held)
        self._tables, self._programs = {}, {}

    def _table(self, name: str, told: Mapping[str, int], entries: int | None) -> Table:
        kind, key, value = told["type"], told.get("key") or told.get("key_size", 0), told.get("value") or told.get("value_size", 0)
        most = told.get("max_entries", 0) if entries is None else entries
        try:
            types = (0, 0, 0)
            if kind in _STORAGES:
                types = direct.load_types(_types_of(value)), 1, 3
                self._held.append(types[0])
            made = direct.create_map(name, kind, key, value, most, told.get("map_flags", 0), types)
        except OSError as error:
            raise self._refused(REFUSED_BY_KERNEL, error, f"map '{name}': failed to create") from error
        self._held.append(made)
        return Table(made, kind, key, value, most)

    def _load(self, name: str, section: str, code: bytes) -> int:
        kind, attach, target = self._type(name, section)
        try:
            made = direct.load_program(name, kind, attach, code, target)
        except direct.RefusedError as error:
            raise self._explained(REFUSED_BY_KERNEL, error.errno or 0, error.log) from error
        self._held.append(made)
        return made

    def _type(self, name: str, section: str) -> tuple[int, int, int]:
        """Kind, place and target of a program by its section, as libbpf names them."""
        kind, _, what = section.partition("/")
        if section in _CGROUP:
            return _CGROUP_SKB, _CGROUP[section], 0
        if kind in {"uprobe", "uretprobe"}:
            return _KPROBE, _UPROBE_MULTI, 0
        if kind == "perf_event":
            return _PERF_EVENT, 0, 0
        if kind not in {"tp_btf", "iter"}:
            raise UnsupportedError(f"the loader bcc does not know programs of the kind {section}: {name}", where=self._program, remedy="use the loader core")
        wanted = (btf.TYPEDEF, f"btf_trace_{what}") if kind == "tp_btf" else (btf.FUNCTION, f"bpf_iter_{what}")
        target = self._types.find(*wanted)
        if not target:
            raise self._explained(REFUSED_BY_KERNEL, 3, f"{wanted[1]} is not found in kernel BTF")
        return _TRACING, _RAW_TRACEPOINT if kind == "tp_btf" else _ITERATOR, target

    def _attach(self, place: Place) -> None:
        if place.program not in self._programs:
            raise self._refused(f"it has no program {place.program}", OSError(2, ""))
        program, section = self._programs[place.program]
        with self._reasons(place):
            match place:
                case Everywhere():
                    (self._lasting if isinstance(place, Lasting) else self._links).append(direct.open_tracepoint(program))
                case Cgroup(path=path):
                    folder = open_group(path)
                    self._links.append(folder)
                    self._links.append(direct.link(program, folder, _CGROUP[section]))
                case Sweep(map=name):
                    self._sweeps.append(direct.link_iterator(program, self._tables[name].descriptor, _ITERATOR))
                case Uprobes():
                    self._links.append(link_uprobes(program, place))
                case Sampling(hertz=hertz):
                    for event in sampling_events(hertz):
                        self._links.append(event)
                        self._links.append(direct.link(program, event, _SAMPLES))

    @contextlib.contextmanager
    def _reasons(self, place: Place) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._refused(f"{place.program} cannot be attached", error) from error

    def _keys(self, table: Table) -> Iterator[bytes]:
        key = direct.next_key(table.descriptor, None, table.key)
        for _ in range(table.entries + 1):
            if key is None:
                return
            yield key
            key = direct.next_key(table.descriptor, key, table.key)

    def _refused(self, what: str, error: OSError, log: str = "") -> LoadError:
        return self._explained(what, error.errno or 0, log)


def _close(descriptors: list[int]) -> None:
    """The last first: a link before what it is on."""
    while descriptors:
        os.close(descriptors.pop())


def _types_of(size: int) -> bytes:
    """Type information for a storage: an ``int`` as its key, so many bytes as its value (docs.kernel.org/bpf/btf.html)."""
    strings = b"\0int\0char\0"
    kinds = struct.pack("<IIII", 1, 1 << 24, 4, 1 << 24 | 32) + struct.pack("<IIII", 5, 1 << 24, 1, 8) + struct.pack("<IIIIII", 0, 3 << 24, 0, 2, 1, size)
    return struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(kinds), len(kinds), len(strings)) + kinds + strings
