"""Stacks that the kernel kept by number (``bpf/stacks.h``), as names from the outermost to the innermost."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from ebpf.loaders.interface import Loaded
from ebpf.signals.symbols import UNKNOWN, Symbols, cleaned

KERNEL = "_[k]"
"""Follows the names of the kernel's functions, as flame graphs have it."""
ROOM = 200_000
"""Characters of folded stacks in a reading: it has to fit into one message."""
_OURS = ("bpf_prog_", "bpf_trace_run", "__bpf_trace_", "__traceiter_")
"""The innermost functions of a stack that a tracepoint took are those that took it."""


class Stacks:
    """Those of one session, read once."""

    def __init__(self, loaded: Loaded, symbols: Symbols) -> None:
        symbols.refresh()
        self._symbols = symbols
        self._raw: Mapping[int, tuple[int, ...]] = {
            struct.unpack("=I", key)[0]: _addresses(value) for key, value in loaded.entries("stacks").items()}
        self._user: dict[tuple[int, int], str] = {}
        self._kernel: dict[int, str] = {}

    def names(self, pid: int, user: int, kernel: int) -> tuple[str, ...]:
        """Of both stacks; a number below 0 is none, or one that was lost."""
        return (*self._of_user(pid, user), *self._of_kernel(kernel))

    def _of_user(self, pid: int, number: int) -> list[str]:
        found: list[str] = []
        for at, address in enumerate(self._raw.get(number, ())):
            place = address - bool(at)  # but for the innermost these are where a call returns to: behind the call
            if (pid, place) not in self._user:
                self._user[pid, place] = cleaned(self._symbols.user(pid, place))
            name = self._user[pid, place]
            if name != UNKNOWN or found[-1:] != [UNKNOWN]:  # where a stack went astray, one such frame says so
                found.append(name)
        return found[::-1]

    def _of_kernel(self, number: int) -> list[str]:
        found = []
        for address in self._raw.get(number, ()):
            if address not in self._kernel:
                self._kernel[address] = cleaned(self._symbols.kernel(address))
            found.append(self._kernel[address])
        while found and found[0].startswith(_OURS):
            del found[0]
        return [name + KERNEL for name in found[::-1]]


def _addresses(value: bytes) -> tuple[int, ...]:
    found = struct.unpack(f"={len(value) // 8}Q", value)
    return found[:found.index(0)] if 0 in found else found


def folded(stacks: Mapping[tuple[str, ...], int], room: int = ROOM) -> tuple[str, ...]:
    """As lines ``outermost;...;innermost number``, the most first; those that find no room are one line ``[others] number``."""
    told: list[str] = []
    left = 0
    for names, number in sorted(stacks.items(), key=lambda one: -one[1]):
        line = f"{';'.join(names)} {number}"
        room -= len(line) + 3
        if room > 0:
            told.append(line)
        else:
            left += number
    return (*told, f"[others] {left}") if left else tuple(told)
