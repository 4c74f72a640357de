"""CO-RE objects, compiled ahead, through libbpf: nothing is compiled on the node, and offsets come from its own BTF."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Mapping
from pathlib import Path

from ebpf import objects
from ebpf.constants import write_constants
from ebpf.errors import LoadError
from ebpf.libbpf import IterAttachOpts, Library, Sample, failed, library
from ebpf.loaders.folders import open_group
from ebpf.loaders.interface import Cgroup, Everywhere, Lasting, Place, Sampling, Sweep, Uprobes
from ebpf.loaders.loaded import PER_CPU, REFUSED_BY_KERNEL, REFUSED_RING, REFUSED_SWEEP, Programs, value_size
from ebpf.perf import sampling_events
from ebpf.uprobes import link_uprobes

_UPROBE_MULTI = 48
"""``BPF_TRACE_UPROBE_MULTI`` (linux/bpf.h, since 6.6), which older libbpf does not know by its section's name."""


class CoreLoader:
    """The first choice."""

    name = "core"

    def load(self, program: str, constants: Mapping[str, int], *, sizes: Mapping[str, int] | None = None,
             only: frozenset[str] | None = None) -> CoreLoaded:
        """Load ``program``'s object, whose digest is that of the manifest. Raises LoadError, UnsupportedError."""
        return CoreLoaded(library(), program, objects.read(program), constants, sizes or {}, only)


class CoreLoaded(Programs):
    """One object in the kernel."""

    def __init__(self, bpf: Library, program: str, content: bytes, constants: Mapping[str, int], sizes: Mapping[str, int], only: frozenset[str] | None) -> None:
        super().__init__(program)
        self._bpf = bpf
        self._links: list[int] = []
        self._lasting: list[int] = []
        self._files: list[int] = []
        self._sweeps: list[int] = []
        self._ring: int | None = None
        self._callback = Sample(self._feed.sample)
        bpf.listen()
        self._content = ctypes.create_string_buffer(content, len(content))
        self._object = bpf.bpf_object__open_mem(self._content, len(content), None)
        if not self._object:
            raise self._refused("its object cannot be read", failed(self._object))
        try:
            self._prepare(constants, sizes, only)
            if error := failed(bpf.bpf_object__load(self._object)):
                raise self._refused(REFUSED_BY_KERNEL, error)
            bpf.give_back()
        except BaseException:
            self.close()
            raise

    def _opened_ring(self) -> int:
        if not self._ring:
            self._ring = self._bpf.ring_buffer__new(self._fd("ring"), self._callback, None, None)
            if not self._ring:
                raise self._refused(REFUSED_RING, failed(self._ring))
        return self._ring

    def _poll(self, ring: int, milliseconds: int) -> None:
        self._bpf.ring_buffer__poll(ring, milliseconds)

    def numbers(self, table: str) -> list[int]:
        """See :class:`~ebpf.loaders.interface.Loaded`."""
        found = self._map(table)
        entries, fd = int(self._bpf.bpf_map__max_entries(found)), int(self._bpf.bpf_map__fd(found))
        cpus = self._bpf.cpus() if int(self._bpf.bpf_map__type(found)) in PER_CPU else 1
        room = ctypes.create_string_buffer(8 * cpus)
        sums = []
        for key in range(entries):
            self._bpf.bpf_map_lookup_elem(fd, struct.pack("=I", key), room)
            sums.append(sum(struct.unpack(f"={cpus}Q", room.raw)))
        return sums

    def entries(self, table: str) -> dict[bytes, bytes]:
        """See :class:`~ebpf.loaders.interface.Loaded`."""
        found = self._map(table)
        fd, key_size = int(self._bpf.bpf_map__fd(found)), int(self._bpf.bpf_map__key_size(found))
        size = value_size(int(self._bpf.bpf_map__type(found)), int(self._bpf.bpf_map__value_size(found)), self._bpf.cpus())
        key, value = ctypes.create_string_buffer(key_size), ctypes.create_string_buffer(size)
        read: dict[bytes, bytes] = {}
        before = None
        while not self._bpf.bpf_map_get_next_key(fd, before, key) and len(read) <= int(self._bpf.bpf_map__max_entries(found)):
            if not self._bpf.bpf_map_lookup_elem(fd, key, value):
                read[key.raw] = value.raw
            before = ctypes.create_string_buffer(key.raw, key_size)
        return read

    def put(self, table: str, key: int, value: int) -> None:
        """See :class:`~ebpf.loaders.interface.Loaded`."""
        if error := failed(self._bpf.bpf_map_update_elem(self._fd(table), struct.pack("=I", key), struct.pack("=Q", value), 0)):
            raise self._refused(f"its table {table} cannot be set", error)

    def sweep(self) -> None:
        """See :class:`~ebpf.loaders.interface.Loaded`."""
        for link in self._sweeps:
            fd = int(self._bpf.bpf_iter_create(int(self._bpf.bpf_link__fd(link))))
            if fd < 0:
                raise self._refused(REFUSED_SWEEP, -fd)
            try:
                while os.read(fd, 4096):
                    pass
            finally:
                os.close(fd)

    def detach(self) -> None:
        """See :class:`~ebpf.loaders.interface.Loaded`."""
        for link in reversed(self._links):  # the last first: what sees the end of a connection stays until none can begin
            self._bpf.bpf_link__destroy(link)
        for fd in self._files:
            os.close(fd)
        self._links, self._files = [], []

    def close(self) -> None:
        """See :class:`~ebpf.loaders.interface.Loaded`."""
        self.detach()
        for link in self._sweeps + self._lasting:
            self._bpf.bpf_link__destroy(link)
        if self._ring:
            self._bpf.ring_buffer__free(self._ring)
        if self._object:
            self._bpf.bpf_object__close(self._object)
        self._sweeps, self._lasting, self._ring, self._object = [], [], None, None

    def _prepare(self, constants: Mapping[str, int], sizes: Mapping[str, int], only: frozenset[str] | None) -> None:
        found = self._bpf.bpf_object__next_map(self._object, None)
        while found:
            if bytes(self._bpf.bpf_map__name(found)).endswith(b".rodata"):
                size = ctypes.c_size_t()
                place = self._bpf.bpf_map__initial_value(found, ctypes.byref(size))
                image = (ctypes.c_char * size.value).from_address(place)
                image.raw = write_constants(self._content.raw, image.raw, constants)
            found = self._bpf.bpf_object__next_map(self._object, found)
        for name, entries in sizes.items():
            self._bpf.bpf_map__set_max_entries(self._map(name), entries)
        program = self._bpf.bpf_object__next_program(self._object, None)
        while program:
            if only is not None and bytes(self._bpf.bpf_program__name(program)).decode() not in only:
                self._bpf.bpf_program__set_autoload(program, 0)
            if bytes(self._bpf.bpf_program__section_name(program)).startswith((b"uprobe", b"uretprobe")):
                self._bpf.bpf_program__set_expected_attach_type(program, _UPROBE_MULTI)
            program = self._bpf.bpf_object__next_program(self._object, program)

    def _attach(self, place: Place) -> None:
        program = self._bpf.bpf_object__find_program_by_name(self._object, place.program.encode())
        if not program:
            raise self._refused(f"it has no program {place.program}", 2)
        match place:
            case Lasting():
                self._keep(self._bpf.bpf_program__attach(program), place, self._lasting)
            case Everywhere():
                self._keep(self._bpf.bpf_program__attach(program), place)
            case Cgroup(path=path):
                fd = open_group(path)
                self._files.append(fd)
                self._keep(self._bpf.bpf_program__attach_cgroup(program, fd), place)
            case Sweep(map=name):
                info = ctypes.create_string_buffer(struct.pack("=I12x", self._fd(name)), 16)
                options = IterAttachOpts(ctypes.sizeof(IterAttachOpts), ctypes.addressof(info), 16)
                self._keep(self._bpf.bpf_program__attach_iter(program, ctypes.byref(options)), place, self._sweeps)
            case Uprobes():
                self._files.append(link_uprobes(int(self._bpf.bpf_program__fd(program)), place))
            case Sampling(hertz=hertz):
                for event in sampling_events(hertz):
                    self._keep(self._bpf.bpf_program__attach_perf_event(program, event), place)

    def _keep(self, link: int | None, place: Place, links: list[int] | None = None) -> None:
        if not link:
            raise self._refused(f"{place.program} cannot be attached", failed(link))
        (self._links if links is None else links).append(link)

    def _map(self, name: str) -> int:
        found = self._bpf.bpf_object__find_map_by_name(self._object, name.encode())
        if not found:
            raise KeyError(name)
        return int(found)

    def _fd(self, name: str) -> int:
        return int(self._bpf.bpf_map__fd(self._map(name)))

    def _refused(self, what: str, error: int) -> LoadError:
        return self._explained(what, error, "\n".join(self._bpf.messages))


def available() -> bool:
    """Whether objects were built and this kernel tells its types."""
    return objects.built() and Path("/sys/kernel/btf/vmlinux").exists()
