"""Limits on a worker that has no capability left: no file may be written or made, no process begun, nobody connected to, no user
namespace made (in which it would have every capability again), and memory may not grow without end.

Without them a worker could still write what belongs to the user it runs as, which is the daemon's own where the daemon is
not root: its list of used grants, for one.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
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


_REFUSED: dict[str, tuple[int, tuple[int, ...]]] = {  # the calling convention (linux/audit.h), and numbers of system calls
    "x86_64": (0xC000003E, (41, 42, 49, 53, 56, 57, 58, 59, 62, 101, 165, 248, 249, 250, 272, 298, 304, 308, 310, 311, 322, 323, 425, 428, 429, 430, 434, 435, 438)),
    "aarch64": (0xC00000B7, (40, 97, 117, 129, 198, 199, 200, 203, 217, 218, 219, 220, 221, 241, 265, 268, 270, 271, 281, 282, 425, 428, 429, 430, 434, 435, 438)),
}
"""socket, connect, bind, socketpair, clone, clone3, fork, vfork, execve, execveat, kill, ptrace, mount and its new forms, keys, unshare, setns,
perf_event_open, open_by_handle_at, the memory and descriptors of others, userfaultfd, io_uring: nothing that reading needs."""
_X32 = 0x40000000
_SECCOMP, _FILTER, _ALLOW, _EPERM = 22, 2, 0x7FFF0000, 0x00050001
_LOAD, _EQUAL, _LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06


def confine() -> None:
    """Set them, for good, as far as the kernel knows them; needs ``no_new_privs``."""
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        most = _data() + MEMORY
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    _no_writing()
    _no_calls()


def _data() -> int:
    """Bytes of private writable memory as of now, by which RLIMIT_DATA counts."""
    with open("/proc/self/statm") as file:  # noqa: PTH123 - no pathlib in a worker
        return int(file.read().split()[5]) * os.sysconf("SC_PAGE_SIZE")


def _no_writing() -> bool:
    """Landlock, since 5.13. Whether it took it."""
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


def _no_calls() -> bool:
    """A seccomp filter (man 2 seccomp): what is refused gives EPERM. Whether the kernel took it."""
    known = _REFUSED.get(platform.machine())
    if known is None:
        return False
    convention, numbers = known
    last = len(numbers) + 1  # the jump from the first comparison to the refusal, which is behind the permission
    program = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, convention), (_RETURN, 0, 0, _EPERM), (_LOAD, 0, 0, 0), (_LEAST, last, 0, _X32)]
    program += [(_EQUAL, last - at, 0, number) for at, number in enumerate(numbers, 1)]
    program += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _EPERM)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *one) for one in program))
    told = ctypes.create_string_buffer(struct.pack("=HxxxxxxQ", len(program), ctypes.addressof(code)))
    return bool(ctypes.CDLL(None).prctl(_SECCOMP, _FILTER, told, 0, 0) == 0)
