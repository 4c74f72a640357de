"""Limits on a worker that has no capability left: no file may be written or made, memory may not grow without end.

Without them a worker could still write what belongs to the user it runs as, which is the daemon's own where the daemon is
not root: its list of used grants, for one.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import struct

MEMORY = 512 << 20
"""Bytes that a worker may take beside what it has when it begins to read."""
_CREATE_RULESET, _RESTRICT_SELF, _VERSION = 444, 446, 1
_WRITING = (
    (1, 1 << 1 | 0x1FF << 4),  # write a file; remove, and make of every kind (linux/landlock.h, LANDLOCK_ACCESS_FS)
    (2, 1 << 13),  # refer
    (3, 1 << 14),  # truncate
    (5, 1 << 15),  # ioctl of devices
)


def confine() -> bool:
    """Set them, for good; needs ``no_new_privs``. Whether the kernel keeps this process from writing files (Landlock, since 5.13)."""
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        most = _data() + MEMORY
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    return _no_writing()


def _data() -> int:
    """Bytes of private writable memory as of now, by which RLIMIT_DATA counts."""
    with open("/proc/self/statm") as file:  # noqa: PTH123 - no pathlib in a worker
        return int(file.read().split()[5]) * os.sysconf("SC_PAGE_SIZE")


def _no_writing() -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    known = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION)
    if known < 1:
        return False
    handled = sum(bits for since, bits in _WRITING if known >= since)
    ruleset = libc.syscall(_CREATE_RULESET, struct.pack("=Q", handled), ctypes.c_size_t(8), 0)
    if ruleset < 0:
        return False
    try:
        return bool(libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)
