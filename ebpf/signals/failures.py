"""``syscall_errors``: which system calls fail, with which error, in which process."""

from __future__ import annotations

import errno
import os
import struct
from dataclasses import dataclass

from ebpf.accounting import Counts
from ebpf.loaders.interface import Loaded
from ebpf.signals.base import MOST, KernelKind, TraceReader, command, counted, losses, times
from ebpf.signals.callnames import call_name

_FAILURE = struct.Struct("=IHH16s")
_EVENT = struct.Struct("=QIHH16sI")
USUAL = frozenset({"EAGAIN", "EINTR", "EINPROGRESS"})
"""How programs that do not block wait: no failure."""
_MEANING = {
    "EMFILE": "the process has no file descriptor left (ulimit -n), or leaks them",
    "ENFILE": "the whole machine has no file descriptor left",
    "ENOSPC": "the disk, or its inodes, are full",
    "EDQUOT": "a disk quota is used up",
    "ENOMEM": "there is no memory for it",
    "EACCES": "permissions forbid it",
    "EPERM": "it lacks a privilege",
    "EROFS": "the file system is read-only: it may have been remounted so after an error",
    "EIO": "the device failed",
    "ECONNREFUSED": "nothing listens there",
    "ETIMEDOUT": "it timed out",
    "EPIPE": "the other side of a connection or pipe was closed before",
    "ECONNRESET": "the other side reset the connection",
    "EADDRINUSE": "the address is in use: another process listens there",
    "EADDRNOTAVAIL": "no local port is free, or the address is not this machine's",
    "ENETUNREACH": "there is no route",
    "EHOSTUNREACH": "the host cannot be reached",
    "ESTALE": "a network file system lost the file",
    "ELOOP": "symbolic links run in a circle",
    "ENOBUFS": "the kernel has no buffer left",
}


@dataclass(frozen=True, slots=True)
class Failed:
    """One call that failed. ``at``: ns since 1970."""

    at: int
    pid: int
    thread: int
    process: str
    call: str
    error: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Calls that failed alike in one process."""

    pid: int
    process: str
    call: str
    error: str
    times: int


@dataclass(frozen=True, slots=True)
class Failures:
    """What was seen. ``usual``: of all, those by which programs wait (EAGAIN, EINTR, EINPROGRESS); they are in no list."""

    counts: Counts
    usual: int
    by_error: dict[str, int]
    most: tuple[Failure, ...]

    def sentences(self) -> list[str]:
        """Those that mean something first."""
        real = sum(self.by_error.values())
        if not real:
            return [f"No system call failed while this looked, apart from {times(self.usual, 'call')} that would have blocked or were interrupted.", *losses(self.counts)]
        telling = sorted(self.most, key=lambda one: (one.error not in _MEANING, -one.times))
        return [*(_failure(one) for one in telling[:6]), *losses(self.counts)]


class FailureReader(TraceReader):
    """One session of it."""

    layout = _EVENT
    says = "syscall_error"

    def told(self, at: int, pid: int, call: int, error: int, name: bytes, thread: int) -> Failed:
        """See :class:`~ebpf.signals.base.TraceReader`."""
        return Failed(at + self.epoch, pid, thread, command(name), call_name(call), error_name(error))

    def read(self, loaded: Loaded) -> Failures:
        """The numbers so far."""
        rows = []
        for key, value in loaded.entries("failures").items():
            pid, call, error, name = _FAILURE.unpack(key)
            rows.append(Failure(pid, command(name), call_name(call), error_name(error), struct.unpack("=Q", value)[0]))
        real = sorted((one for one in rows if one.error not in USUAL), key=lambda one: -one.times)
        by_error: dict[str, int] = {}
        for one in real:
            by_error[one.error] = by_error.get(one.error, 0) + one.times
        return Failures(counted(loaded), sum(one.times for one in rows if one.error in USUAL), by_error, tuple(real[:MOST]))


def error_name(number: int) -> str:
    """``ENOENT``; the number where it has no name here."""
    return errno.errorcode.get(number, str(number))


def _failure(one: Failure) -> str:
    number = getattr(errno, one.error, 0)
    meaning = _MEANING.get(one.error) or (os.strerror(number).lower() if number else "")
    return f"{one.process} ({one.pid}): {one.call} failed {times(one.times, 'time')} with {one.error}" + (f": {meaning}." if meaning else ".")


KIND = KernelKind("syscall_errors", "syscalls", frozenset({"raw_syscalls:sys_exit"}), ("ended",), FailureReader)
