"""The system call ``bpf`` itself (man 2 bpf, linux/bpf.h): what the loader bcc needs where libbpf may not be there.

Every function raises OSError with what the kernel said; of programs :class:`RefusedError`, with the verifier's log.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct

_NUMBERS = {"x86_64": 321, "aarch64": 280}
_MAP_CREATE, _LOOKUP, _UPDATE, _NEXT, _PROG_LOAD, _RAW_TRACEPOINT, _BTF_LOAD, _LINK_CREATE, _ITER_CREATE = 0, 1, 2, 4, 5, 17, 18, 28, 33
_ROOM = 144
_LOG = 1 << 20
LICENSE = b"Dual MIT/GPL"
_libc = ctypes.CDLL(None, use_errno=True)


class RefusedError(OSError):
    """A program was not taken."""

    def __init__(self, number: int, log: str) -> None:
        super().__init__(number, os.strerror(number))
        self.log = log


def create_map(name: str, kind: int, key: int, value: int, entries: int, flags: int = 0, types: tuple[int, int, int] = (0, 0, 0)) -> int:
    """A table; its descriptor. ``types``: descriptor of its type information, and the numbers of key and value there."""
    return _bpf(_MAP_CREATE, struct.pack("=IIIIIII16sIIII", kind, key, value, entries, flags, 0, 0, name.encode()[:15], 0, *types))


def load_types(content: bytes) -> int:
    """Type information of our own; its descriptor."""
    held = ctypes.create_string_buffer(content, len(content))
    return _bpf(_BTF_LOAD, struct.pack("=QQIII", ctypes.addressof(held), 0, len(content), 0, 0))


def load_program(name: str, kind: int, attach: int, code: bytes, target: int = 0) -> int:
    """A program; its descriptor. ``target``: the number of what it is for in the kernel's types. Raises RefusedError."""
    held, told = ctypes.create_string_buffer(code, len(code)), ctypes.create_string_buffer(LICENSE)
    log = ctypes.create_string_buffer(_LOG)
    begin = struct.pack("=IIQQ", kind, len(code) // 8, ctypes.addressof(held), ctypes.addressof(told))
    end = struct.pack("=II16sIIIIQIIQIII", 0, 0, name.encode()[:15], 0, attach, 0, 0, 0, 0, 0, 0, 0, target, 0)
    try:
        return _bpf(_PROG_LOAD, begin + struct.pack("=IIQ", 0, 0, 0) + end)
    except OSError as first:
        try:  # once more, for its log
            return _bpf(_PROG_LOAD, begin + struct.pack("=IIQ", 1, _LOG, ctypes.addressof(log)) + end)
        except OSError:
            raise RefusedError(first.errno or 0, log.value.decode("utf-8", "replace")) from first


def open_tracepoint(program: int) -> int:
    """Attach a program to the tracepoint that it was loaded for; the link's descriptor."""
    return _bpf(_RAW_TRACEPOINT, struct.pack("=QI", 0, program))


def link(program: int, target: int, attach: int) -> int:
    """Attach a program to a control group or an event; the link's descriptor."""
    return _bpf(_LINK_CREATE, struct.pack("=IIII", program, target, attach, 0))


def link_iterator(program: int, table: int, attach: int) -> int:
    """Make an iterator over a table; the link's descriptor."""
    told = ctypes.create_string_buffer(struct.pack("=I12x", table), 16)
    return _bpf(_LINK_CREATE, struct.pack("=IIIIQI", program, 0, attach, 0, ctypes.addressof(told), 16))


def run_iterator(made: int) -> None:
    """Run an iterator once."""
    fd = _bpf(_ITER_CREATE, struct.pack("=II", made, 0))
    try:
        while os.read(fd, 4096):
            pass
    finally:
        os.close(fd)


def lookup(table: int, key: bytes, size: int) -> bytes | None:
    """A table's value; None where it has none."""
    held, value = ctypes.create_string_buffer(key, len(key)), ctypes.create_string_buffer(size)
    try:
        _bpf(_LOOKUP, struct.pack("=IIQQQ", table, 0, ctypes.addressof(held), ctypes.addressof(value), 0))
    except FileNotFoundError:
        return None
    return value.raw


def update(table: int, key: bytes, value: bytes) -> None:
    """Set a table's value."""
    held, content = ctypes.create_string_buffer(key, len(key)), ctypes.create_string_buffer(value, len(value))
    _bpf(_UPDATE, struct.pack("=IIQQQ", table, 0, ctypes.addressof(held), ctypes.addressof(content), 0))


def next_key(table: int, key: bytes | None, size: int) -> bytes | None:
    """The key behind ``key``, or the first; None behind the last."""
    held = ctypes.create_string_buffer(key, len(key)) if key is not None else None
    found = ctypes.create_string_buffer(size)
    try:
        _bpf(_NEXT, struct.pack("=IIQQ", table, 0, ctypes.addressof(held) if held is not None else 0, ctypes.addressof(found)))
    except FileNotFoundError:
        return None
    return found.raw


def cpus(path: str = "/sys/devices/system/cpu/possible") -> int:
    """CPUs that may be there: the number of values in each entry of a per-CPU table."""
    with open(path) as file:  # noqa: PTH123 - one short line of sysfs
        return int(file.read().strip().replace(",", "-").split("-")[-1]) + 1


def _bpf(command: int, attributes: bytes) -> int:
    room = ctypes.create_string_buffer(attributes.ljust(_ROOM, b"\0"), _ROOM)
    result = int(_libc.syscall(_NUMBERS[platform.machine()], command, room, _ROOM))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
