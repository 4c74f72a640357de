"""Probes of the kernel's own events: the classic causes of slowness and failure that no application logs.

Each kind counts and buckets everything in the kernel; samples come out under the budget. Readings are dataclasses that
say in sentences what they mean. Nothing here decides anything.
"""

from ebpf.kind import Kind
from ebpf.signals import (
    accepts,
    blocking,
    blocks,
    connects,
    exits,
    failures,
    files,
    ooms,
    profile,
    resets,
    retransmits,
    scheduler,
)

KINDS: tuple[Kind, ...] = (
    connects.KIND, retransmits.KIND, resets.KIND, accepts.KIND, scheduler.KIND, blocking.KIND, profile.KIND, blocks.KIND, files.KIND,
    failures.KIND, exits.KIND, ooms.KIND)
