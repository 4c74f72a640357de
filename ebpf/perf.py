"""Samples of what every CPU does, by ``perf_event_open`` (man 2 perf_event_open)."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from collections.abc import Iterator

from ebpf.errors import LoadError

_NUMBERS = {"x86_64": 298, "aarch64": 241}
_SOFTWARE, _CPU_CLOCK = 1, 0
_FREQUENCY = 1 << 10  # the bit `freq` of struct perf_event_attr: sample_period counts in hertz
_CLOSE_ON_EXEC = 8


def sampling_events(hertz: int) -> Iterator[int]:
    """A file descriptor for each CPU that is on. Raises LoadError."""
    libc = ctypes.CDLL(None, use_errno=True)
    attributes = struct.pack("=IIQQQQQ", _SOFTWARE, 128, _CPU_CLOCK, hertz, 0, 0, _FREQUENCY).ljust(128, b"\0")
    for cpu in sorted(online()):
        fd = libc.syscall(_NUMBERS[platform.machine()], attributes, -1, cpu, -1, _CLOSE_ON_EXEC)
        if fd < 0:
            error = ctypes.get_errno()
            raise LoadError(f"CPU {cpu} cannot be sampled: {os.strerror(error)}", errno=error, remedy="it needs CAP_PERFMON")
        yield fd


def online(path: str = "/sys/devices/system/cpu/online") -> set[int]:
    """The CPUs that are on, as the kernel lists them: ``0-3,8``."""
    with open(path) as file:  # noqa: PTH123 - one short line of sysfs
        parts = file.read().strip().split(",")
    return {cpu for part in parts for first, _, last in [part.partition("-")] for cpu in range(int(first), int(last or first) + 1)}
