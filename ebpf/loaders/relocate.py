"""The last touch to compiled instructions: maps get their descriptors, and exchanges their instruction (RFC 9669, section 5.3)."""

from __future__ import annotations

import struct
from collections.abc import Sequence

MAPS = 0x0CA10000
SWAP = 0x0CA5
"""As in ``bpf/bcc.h``."""
_WIDE, _MAP_FD = 0x18, 1
_CALL, _EXIT, _MOVE = 0x85, 0x95, 0xB7
_JUMPS = frozenset({5, 6})
_EXCHANGE = struct.pack("<BBhi", 0xBF, 0x20, 0, 0) + struct.pack("<BBhi", 0xDB, 0x31, 0, 0xF1)
"""``r0 = r2``, and an exchange of what is at ``r1``: compared with ``r0``, replaced by ``r3``."""


def relocated(code: bytes, descriptors: Sequence[int]) -> bytes:
    """Instructions as the kernel takes them. ``descriptors``: of the maps, by their numbers in the text."""
    steps = [code[at:at + 8] for at in range(0, len(code), 8)]
    places, at = [], 0
    for step in steps:
        places.append(at)
        at += len(_EXCHANGE) // 8 if _is_swap(step) else 1
    places.append(at)
    made, wide = [], False
    for number, step in enumerate(steps):
        made.append(step if wide else _changed(number, step, places, descriptors))
        wide = step[0] == _WIDE and not wide
    return b"".join(made)


def constant(code: bytes) -> int:
    """What a function returns that does nothing else. Raises ValueError when it does more."""
    first = struct.unpack_from("<BBhi", code)
    if len(code) != 16 or first[0] != _MOVE or code[8] != _EXIT:
        raise ValueError("it does more than return a number")
    return int(first[3])


def _is_swap(step: bytes) -> bool:
    code, registers, _, value = struct.unpack("<BBhi", step)
    return bool(code == _CALL and registers == 0 and value == SWAP)


def _changed(number: int, step: bytes, places: Sequence[int], descriptors: Sequence[int]) -> bytes:
    code, registers, offset, value = struct.unpack("<BBhi", step)
    if _is_swap(step):
        return _EXCHANGE
    if code == _WIDE and registers >> 4 == _MAP_FD and 0 <= value - MAPS < len(descriptors):
        return struct.pack("<BBhi", code, registers, offset, descriptors[value - MAPS])
    if code & 7 in _JUMPS and code not in {_CALL, _EXIT}:
        offset = places[number + 1 + offset] - places[number] - 1
        return struct.pack("<BBhi", code, registers, offset, value)
    return step
