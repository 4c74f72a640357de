"""``cpu_profile``: what the CPUs do, by stacks sampled so many times a second."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ebpf.accounting import Counts
from ebpf.kind import Aim, Document, Options
from ebpf.loaders.interface import Loaded, Place, Sampling
from ebpf.signals.base import MOST, KernelKind, command, counted, document, losses, share, times
from ebpf.signals.stacks import Stacks, folded
from ebpf.signals.symbols import Symbols

_PLACE = struct.Struct("=Iii16s")
HERTZ, LEAST, GREATEST = 99, 1, 999
"""Not a round number, so as not to beat with timers."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function. ``own``: samples in which it ran itself; ``total``: in which it or what it called did."""

    name: str
    own: int
    total: int


@dataclass(frozen=True, slots=True)
class Consumer:
    """One process."""

    pid: int
    process: str
    samples: int


@dataclass(frozen=True, slots=True)
class Profile:
    """What was seen. ``idle``, ``others``: samples in which a CPU did nothing, or ran what is not the target.

    ``folded``: stacks as lines ``process;outermost;...;innermost number``; :func:`ebpf.signals.flame.svg` draws them.
    """

    counts: Counts
    hertz: int
    samples: int
    idle: int
    others: int
    processes: tuple[Consumer, ...]
    functions: tuple[Function, ...]
    folded: tuple[str, ...]

    def sentences(self) -> list[str]:
        """How busy, who, where."""
        whole = self.samples + self.idle + self.others
        if not self.samples:
            return [f"The target ran on no CPU in {times(whole, 'sample')}: it waits (off_cpu tells for what)."]
        told = [f"Of {times(whole, 'sample')} of all CPUs the target had {share(self.samples, whole)}, other processes {share(self.others, whole)}; {share(self.idle, whole)} were idle."]
        if len(self.processes) > 1:
            told += [f"{one.process} ({one.pid}) had {share(one.samples, self.samples)} of the target's CPU time." for one in self.processes[:3]]
        own = [one for one in self.functions if one.own]
        told += [f"{share(one.own, self.samples)} of the target's CPU time was spent in {one.name} itself." for one in own[:3]]
        return [*told, *losses(self.counts)]


class ProfileReader:
    """One session of it. Satisfies :class:`ebpf.kind.Reader`."""

    def __init__(self, aim: Aim, options: Options, epoch: int) -> None:
        self._hertz = hertz_of(options)
        self._symbols = Symbols(aim)

    def event(self, data: bytes) -> Sequence[Document]:
        """There are none: samples are counted in the kernel."""
        return []

    def summary(self, loaded: Loaded) -> Document:
        """See :class:`ebpf.kind.Reader`."""
        return document(self.read(loaded))

    def read(self, loaded: Loaded) -> Profile:
        """The numbers so far."""
        stacks = Stacks(loaded, self._symbols)
        lines: Counter[tuple[str, ...]] = Counter()
        processes: Counter[tuple[int, str]] = Counter()
        leaders: dict[int, str] = {}
        for key, value in loaded.entries("places").items():
            pid, user, kernel, name = _PLACE.unpack(key)
            number, = struct.unpack("=Q", value)
            process = leaders.setdefault(pid, command(name))
            lines[process, *(stacks.names(pid, user, kernel) or ("[unknown]",))] += number
            processes[pid, process] += number
        idle, others, samples = loaded.numbers("samples")
        most = tuple(Consumer(pid, name, number) for (pid, name), number in processes.most_common(MOST))
        return Profile(counted(loaded), self._hertz, samples, idle, others, most, _functions(lines), folded(lines))


def hertz_of(options: Options) -> int:
    """How often each CPU is looked at in a second."""
    return min(GREATEST, max(LEAST, options.more.get("hertz", HERTZ)))


def _functions(lines: Mapping[tuple[str, ...], int]) -> tuple[Function, ...]:
    own: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for (_, *names), number in lines.items():
        own[names[-1]] += number
        for name in set(names):
            total[name] += number
    ranked = sorted(total, key=lambda name: (-own[name], -total[name]))
    return tuple(Function(name, own[name], total[name]) for name in ranked[:MOST])


@dataclass(frozen=True, slots=True)
class ProfileKind(KernelKind):
    """It needs no tracepoint: a clock of each CPU."""

    def places(self, aim: Aim, options: Options) -> Sequence[Place]:
        """See :class:`~ebpf.kind.Kind`."""
        return [Sampling("sampled", hertz_of(options))]


KIND = ProfileKind("cpu_profile", "profile", frozenset(), ("sampled",), ProfileReader)
