"""Giving up what a worker needs no more: every capability, for good, and the user if it is root."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import signal
import struct

from ebpf.confine import confine
from ebpf.errors import SessionError

_VERSION_3 = 0x20080522
_PDEATHSIG, _DUMPABLE, _NO_NEW_PRIVS, _AMBIENT, _BOUNDING_DROP, _SECUREBITS = 1, 4, 38, 47, 24, 28
_LOCKED = 0x2F
"""``SECBIT_NOROOT``, ``NO_SETUID_FIXUP`` and their locks, ``KEEP_CAPS`` locked off: being root gives nothing any more (man 7 capabilities)."""
_SETPCAP = 8


def die_with_parent(parent: int) -> None:
    """Be killed when the parent ends, however it ends; at once when it has. Kept over ``setuid`` by calling it again."""
    _prctl(_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def drop(parent: int, user: str = "nobody") -> None:
    """Drop every capability, all that could give one back, and the right to write files. Raises SessionError unless the kernel confirms the first."""
    libc = ctypes.CDLL(None, use_errno=True)
    if held() >> _SETPCAP & 1:
        for bit in range(64):
            libc.prctl(_BOUNDING_DROP, bit, 0, 0, 0)
        libc.prctl(_SECUREBITS, _LOCKED, 0, 0, 0)
    _prctl(_NO_NEW_PRIVS, 1)
    libc.prctl(_AMBIENT, 4, 0, 0, 0)  # PR_CAP_AMBIENT_CLEAR_ALL
    if os.getuid() == 0:
        entry = pwd.getpwnam(user)
        with contextlib.suppress(PermissionError):  # a root without CAP_SETUID stays root, with no capability
            os.setgroups([])
            os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
            os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
    header = struct.pack("=Ii", _VERSION_3, 0)
    if libc.capset(header, bytes(24)):
        raise SessionError(f"the capabilities cannot be dropped: {os.strerror(ctypes.get_errno())}")
    _prctl(_DUMPABLE, 0)
    confine()
    die_with_parent(parent)
    if held():
        raise SessionError("the capabilities were not dropped: nothing is read")


def held() -> int:
    """The permitted and effective capabilities of this thread, as bits."""
    bits = 0
    with open("/proc/self/status") as file:  # noqa: PTH123 - no pathlib in a worker
        for line in file:
            if line.startswith(("CapEff:", "CapPrm:")):
                bits |= int(line.split()[1], 16)
    return bits


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0):
        raise SessionError(f"prctl({option}) failed: {os.strerror(ctypes.get_errno())}")
