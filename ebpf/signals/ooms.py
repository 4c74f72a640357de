"""``oom_kills``: processes that the kernel killed for want of memory, with their size, control group and limit."""

from __future__ import annotations

import mmap
import struct
from collections import Counter
from dataclasses import dataclass

from ebpf.accounting import Counts
from ebpf.kind import Aim, Options
from ebpf.loaders.interface import Loaded
from ebpf.signals.base import KernelKind, TraceReader, command, counted, losses, path, times

_EVENT = struct.Struct("=7QIIiI16s16s128s128s")
_NO_LIMIT = 1 << 50
"""Pages from where on a limit is none: the kernel's largest number, however it rounds."""
_KEPT = 100


@dataclass(frozen=True, slots=True)
class Victim:
    """One process that was killed. Sizes in bytes: ``anonymous`` is what it allocated, ``file`` what it had mapped of files.

    ``limit``: of the control group that held it; None where it had none. ``group``: that group's folder and the one above.
    ``by``: the process whose allocation found no memory.
    """

    at: int
    pid: int
    process: str
    group: str
    group_id: int
    limit: int | None
    total: int
    anonymous: int
    file: int
    shared: int
    adjusted: int
    by: int
    by_process: str


@dataclass(frozen=True, slots=True)
class Kills:
    """What was seen; each victim is in ``victims``, up to a hundred."""

    counts: Counts
    victims: tuple[Victim, ...]
    by_group: dict[str, int]

    def sentences(self) -> list[str]:
        """Each victim, then which group it happens in again and again."""
        if not self.counts.seen:
            return ["The kernel killed no process for want of memory while this looked."]
        told = [_victim(one) for one in self.victims[:6]]
        told += [f"In {group} it happened {times(number, 'time')}: its limit is too low for what runs there, or something leaks." for group, number in self.by_group.items() if number > 1]
        return [*told, *losses(self.counts)]


class KillReader(TraceReader):
    """One session of it: it keeps the victims."""

    layout = _EVENT
    says = "oom_kill"

    def __init__(self, aim: Aim, options: Options, epoch: int) -> None:
        """See :class:`~ebpf.signals.base.TraceReader`."""
        super().__init__(aim, options, epoch)
        self._victims: list[Victim] = []
        self._groups: Counter[str] = Counter()

    def told(self, at: int, total: int, file: int, anonymous: int, shared: int, limit: int, group: int, pid: int, by: int,
             adjusted: int, known: int, name: bytes, by_name: bytes, folder: bytes, above: bytes) -> Victim:
        """See :class:`~ebpf.signals.base.TraceReader`."""
        page = mmap.PAGESIZE
        where = "/".join(part for part in (path(above).strip("/"), path(folder).strip("/")) if part) or "/"
        held = limit * page if 0 < limit < _NO_LIMIT else None
        victim = Victim(at + self.epoch, pid, command(name) if known else "", where if known else "", group, held, total * page, anonymous * page, file * page,
                        shared * page, adjusted, by, command(by_name))
        if len(self._victims) < _KEPT:
            self._victims.append(victim)
        if victim.group and (victim.group in self._groups or len(self._groups) < _KEPT):
            self._groups[victim.group] += 1
        return victim

    def read(self, loaded: Loaded) -> Kills:
        """The numbers so far."""
        return Kills(counted(loaded), tuple(self._victims), dict(self._groups.most_common()))


def _victim(one: Victim) -> str:
    who = f"{one.process or 'a process'} ({one.pid})"
    size = f" with {_size(one.anonymous + one.shared)} of memory" if one.anonymous + one.shared else ""
    limit = f"the limit of {_size(one.limit)} of its control group {one.group}" if one.limit else f"the machine's memory, or a limit above its control group {one.group}," if one.group else "memory"
    return f"The kernel killed {who}{size}: {limit} was used up when {one.by_process} ({one.by}) asked for more."


def _size(number: int) -> str:
    for unit, power in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if number >= 1 << power:
            return f"{number / (1 << power):.3g} {unit}"
    return f"{number} bytes"


KIND = KernelKind("oom_kills", "ooms", frozenset({"oom:mark_victim"}), ("killed",), KillReader)
