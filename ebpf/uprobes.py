"""Uprobes on many functions of a file in one link (``BPF_TRACE_UPROBE_MULTI``, kernel 6.6 and newer), and where functions begin.

A probe in the middle of an instruction would damage the program it watches: only offsets that are the beginning of an
exported function are ever used.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import platform
import stat
import struct
from pathlib import Path

from ebpf.errors import TargetError
from ebpf.explain import explained
from ebpf.loaders.interface import Uprobes

_BPF = {"x86_64": 321, "aarch64": 280}
_LINK_CREATE, _UPROBE_MULTI, _RETURN = 28, 48, 1
_LOAD, _DYNSYM, _SYMTAB = 1, 11, 2
_LARGEST, _SYMBOLS = 1 << 30, 4_000_000
"""Bytes and symbols of a file that is looked into."""


def link_uprobes(program: int, place: Uprobes) -> int:
    """Attach a loaded program; the link's file descriptor. Raises LoadError."""
    path = ctypes.create_string_buffer(os.fsencode(place.path))
    offsets = (ctypes.c_uint64 * len(place.offsets))(*place.offsets)
    room = struct.pack("=IIIIQQQQIII", program, 0, _UPROBE_MULTI, 0, ctypes.addressof(path), ctypes.addressof(offsets), 0, 0,
                       len(place.offsets), _RETURN if place.returns else 0, place.pid).ljust(128, b"\0")
    attributes = ctypes.create_string_buffer(room, 128)
    libc = ctypes.CDLL(None, use_errno=True)
    fd = int(libc.syscall(_BPF[platform.machine()], _LINK_CREATE, attributes, 128))
    if fd < 0:
        raise explained(f"uprobes on {place.path}", f"{place.program} cannot be attached", ctypes.get_errno(), "")
    return fd


def function_offsets(path: Path, names: frozenset[str]) -> dict[str, int]:
    """Where exported functions begin in an ELF64 file, by name; those it has not are left out. Raises TargetError."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError as error:
        raise TargetError(f"it cannot be read: {error.strerror}", where=str(path)) from error
    try:
        return offsets_in(fd, names, str(path))
    finally:
        os.close(fd)


def offsets_in(fd: int, names: frozenset[str], where: str) -> dict[str, int]:
    """The same of an open file. It belongs to whoever is looked at: it may be a device without an end, or made to take long."""
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode) or os.fstat(fd).st_size > _LARGEST:
            raise TargetError("it is no file of a usual size", where=where)
        with mmap.mmap(fd, 0, prot=mmap.PROT_READ) as content:
            return _offsets(content, names)
    except OSError as error:
        raise TargetError(f"it cannot be read: {error.strerror}", where=where) from error
    except (struct.error, IndexError, ValueError) as error:
        raise TargetError("it is no ELF64 file, or a damaged one", where=where) from error


def _offsets(content: mmap.mmap, names: frozenset[str]) -> dict[str, int]:
    if content[:6] != b"\x7fELF\x02\x01":
        raise ValueError("not ELF64")
    segments, sections = struct.unpack_from("<QQ", content, 0x20)
    _, count, entry, many, _ = struct.unpack_from("<HHHHH", content, 0x36)
    loads = [struct.unpack_from("<IIQQQQ", content, segments + 56 * one) for one in range(count)]
    heads = [struct.unpack_from("<IIQQQQII", content, sections + entry * one) for one in range(many)]
    found: dict[str, int] = {}
    wanted, longest, left = {name.encode(): name for name in names}, max(map(len, names), default=0) + 1, _SYMBOLS
    for head in (one for one in heads if one[1] in {_DYNSYM, _SYMTAB}):
        strings = heads[head[6]][4]
        left -= head[5] // 24
        if left < 0:
            raise ValueError("more symbols than a program has")
        for at in range(head[4], head[4] + head[5], 24):
            name_at, info, _, home, value, _ = struct.unpack_from("<IBBHQQ", content, at)
            if info & 15 != 2 or not home:  # STT_FUNC, defined here
                continue
            name = wanted.get(content[strings + name_at:strings + name_at + longest].partition(b"\0")[0])
            if name is not None:
                found[name] = next((value - one[3] + one[2] for one in loads if one[0] == _LOAD and one[3] <= value < one[3] + one[5]), 0)
    return {name: offset for name, offset in found.items() if offset}
