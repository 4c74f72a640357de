"""The part of libbpf that OnCalm calls, by ctypes (libbpf.readthedocs.io/en/latest/api.html). Needs ``libbpf.so.1``.

Functions that return a pointer return None with ``errno`` set; those that return a number return ``-errno``.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from ctypes import (
    CDLL,
    CFUNCTYPE,
    POINTER,
    Structure,
    c_char_p,
    c_int,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
)
from functools import cache
from typing import Any

from ebpf.errors import UnsupportedError

SONAME = "libbpf.so.1"
_TYPEDEF = 8  # BTF_KIND_TYPEDEF
Sample = CFUNCTYPE(c_int, c_void_p, c_void_p, c_size_t)
"""A ring buffer's callback: context, data, size."""
Printer = CFUNCTYPE(c_int, c_int, c_void_p, c_void_p)
"""libbpf's messages: level, format, arguments as a ``va_list``, which both x86-64 and arm64 pass by reference."""


class IterAttachOpts(Structure):
    """``struct bpf_iter_attach_opts``."""

    _fields_ = [("sz", c_size_t), ("link_info", c_void_p), ("link_info_len", c_uint32)]


_P, _I = c_void_p, c_int
_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "libbpf_set_print": (_P, [_P]),
    "libbpf_num_possible_cpus": (_I, []),
    "bpf_object__open_mem": (_P, [c_void_p, c_size_t, _P]),
    "bpf_object__load": (_I, [_P]),
    "bpf_object__close": (None, [_P]),
    "bpf_object__find_map_by_name": (_P, [_P, c_char_p]),
    "bpf_object__find_program_by_name": (_P, [_P, c_char_p]),
    "bpf_object__next_program": (_P, [_P, _P]),
    "bpf_object__next_map": (_P, [_P, _P]),
    "bpf_map__name": (c_char_p, [_P]),
    "bpf_map__fd": (_I, [_P]),
    "bpf_map__key_size": (c_uint32, [_P]),
    "bpf_map__value_size": (c_uint32, [_P]),
    "bpf_map__max_entries": (c_uint32, [_P]),
    "bpf_map__set_max_entries": (_I, [_P, c_uint32]),
    "bpf_map__type": (_I, [_P]),
    "bpf_map__initial_value": (_P, [_P, POINTER(c_size_t)]),
    "bpf_map_lookup_elem": (_I, [_I, _P, _P]),
    "bpf_map_update_elem": (_I, [_I, _P, _P, c_uint64]),
    "bpf_map_delete_elem": (_I, [_I, _P]),
    "bpf_map_get_next_key": (_I, [_I, _P, _P]),
    "bpf_program__name": (c_char_p, [_P]),
    "bpf_program__section_name": (c_char_p, [_P]),
    "bpf_program__fd": (_I, [_P]),
    "bpf_program__set_autoload": (_I, [_P, ctypes.c_bool]),
    "bpf_program__set_type": (_I, [_P, _I]),
    "bpf_program__set_expected_attach_type": (_I, [_P, _I]),
    "bpf_program__attach": (_P, [_P]),
    "bpf_program__attach_cgroup": (_P, [_P, _I]),
    "bpf_program__attach_iter": (_P, [_P, POINTER(IterAttachOpts)]),
    "bpf_program__attach_perf_event": (_P, [_P, _I]),
    "bpf_link__fd": (_I, [_P]),
    "bpf_link__destroy": (_I, [_P]),
    "bpf_iter_create": (_I, [_I]),
    "ring_buffer__new": (_P, [_I, Sample, _P, _P]),
    "ring_buffer__poll": (_I, [_P, _I]),
    "ring_buffer__consume": (_I, [_P]),
    "ring_buffer__free": (None, [_P]),
    "btf__load_vmlinux_btf": (_P, []),
    "btf__find_by_name_kind": (_I, [_P, c_char_p, c_uint32]),
    "btf__free": (None, [_P]),
}


class Library:
    """libbpf, and what it last complained of."""

    def __init__(self, soname: str = SONAME) -> None:
        """Raises UnsupportedError when it is not there."""
        try:
            self._library = CDLL(soname, use_errno=True)
        except OSError as error:
            raise UnsupportedError(f"libbpf is not there ({error})", where=soname, remedy="install it: apt install libbpf1, or dnf install libbpf") from error
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(self._library, name)
            function.restype, function.argtypes = result, arguments
        self._libc = CDLL(None)
        self._libc.vsnprintf.argtypes = [c_void_p, c_size_t, c_void_p, c_void_p]
        self.messages: list[str] = []
        self._printer = Printer(self._print)
        self.listen()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """A function of libbpf."""
        if name not in _SIGNATURES:
            raise AttributeError(name)
        return getattr(self._library, name)  # type: ignore[no-any-return]

    def give_back(self) -> None:
        """Return to the system what reading the kernel's types took: some 10 MiB."""
        if hasattr(self._libc, "malloc_trim"):  # glibc
            self._libc.malloc_trim(0)

    def cpus(self) -> int:
        """CPUs that may be there: the number of values in each entry of a per-CPU map."""
        return int(self._library.libbpf_num_possible_cpus())

    def kernel_has(self, name: str, kind: int) -> bool:
        """Whether the running kernel's type information names it; ``kind`` as in linux/btf.h (4 struct, 8 typedef, 12 function)."""
        btf = self._library.btf__load_vmlinux_btf()
        if not btf:
            return False
        try:
            return int(self._library.btf__find_by_name_kind(btf, name.encode(), kind)) > 0
        finally:
            self._library.btf__free(btf)

    def listen(self) -> None:
        """Forget what it complained of, and hear what comes: others in the process may have taken our place, as bcc does."""
        self.messages.clear()
        self._library.libbpf_set_print(ctypes.cast(self._printer, c_void_p))

    def _print(self, level: int, text: int, arguments: int) -> int:
        if level <= 1:  # warnings and information; not debugging
            room = ctypes.create_string_buffer(1 << 16)
            self._libc.vsnprintf(room, len(room), text, arguments)
            self.messages.append(room.value.decode("utf-8", "replace").rstrip())
            del self.messages[:-200]
        return 0


@cache
def library() -> Library:
    """libbpf, opened once. Raises UnsupportedError."""
    return Library()


def has_tracepoint(name: str) -> bool:
    """Whether the running kernel has a tracepoint of this name, without its group. Raises UnsupportedError without libbpf."""
    return library().kernel_has(f"btf_trace_{name}", _TYPEDEF)


def failed(result: object) -> int:
    """The errno of a call's result, 0 when it worked."""
    if result is None:
        return ctypes.get_errno() or 22
    return -result if isinstance(result, int) and result < 0 else 0


def reason(number: int) -> str:
    """An errno in words."""
    return os.strerror(number)


__all__ = ["IterAttachOpts", "Library", "Sample", "failed", "has_tracepoint", "library", "reason"]
