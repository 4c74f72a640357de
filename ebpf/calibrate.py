"""What one run of our programs costs on this node, by how they are attached: the same known work with and without them, in turn.

Run as a process of its own (``python -m ebpf.calibrate``), with a worker's capabilities; prints JSON. It looks at its own
connections and its own process alone: others meet a comparison, for some seconds. What is divided by is what this process did, for
the programs' own counters have the runs of other processes in them, whose time is not in ours.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ebpf import calibrating
from ebpf.attachments import STACKED, key_of
from ebpf.errors import ProbeError
from ebpf.kind import Aim, Options
from ebpf.kinds import kind_of
from ebpf.loaders.choice import loader_for
from ebpf.loaders.interface import Loaded, Place, Sampling, Uprobes
from ebpf.presence import inode
from ebpf.uprobes import function_offsets

ROUNDS = 5
HERTZ = 5_000
"""Samples a second while the profile is calibrated: so many that they are seen beside the noise."""


@dataclass(frozen=True, slots=True)
class Way:
    """``work`` does something known and tells the ns of each thing, of which each is ``runs`` runs of the programs.

    ``cost``: ns of a thing's runs, from what it took without and with them.
    """

    name: str
    attached: Callable[[], Iterator[Loaded]]
    work: Callable[[], float]
    runs: float = 1.0
    cost: Callable[[float, float], float] = lambda without, with_it: with_it - without


def calibrate(tree: Path, group: str, rounds: int = ROUNDS) -> dict[str, float]:
    """``ns_per_call`` of packets, the same of each way (:mod:`ebpf.attachments`) that works here, ``ns_per_event``, and of each its spread
    (the quartiles' distance over the median). Raises ProbeError, OSError where packets cannot be calibrated."""
    folder, events = str(tree / group.lstrip("/")), list[bytes]()
    with calibrating.connection() as (client, server, port):
        aim = Aim(folder, inode(folder) or 0, (), port, "server")
        figures = _figures(Way("packets", lambda: _probe("http", aim, events), lambda: calibrating.exchanges(client, server), 2.0), rounds)
    for way in _ways():
        with suppress(ProbeError, OSError, StopIteration):  # a way that does not work here, which the doctor tells
            figures |= _figures(way, rounds)
    each = calibrating.told_ns(kind_of("http").reader(aim, Options(), 0), events)
    return {"ns_per_call": figures[key_of("packets")], "ns_per_event": each, "spread": figures["spread.packets"], "rounds": float(rounds), **figures}


def _ways() -> tuple[Way, ...]:
    """All but packets."""
    own = Aim(pids=(os.getpid(),))
    sampling = Sampling("sampled", HERTZ)
    return (
        Way("system_calls", lambda: _probe("file_latency", own), calibrating.system_calls, 2.0),
        Way("switches", lambda: _probe("run_queue", own), calibrating.switches, 2.0),
        Way("stacks", lambda: _probe("off_cpu", own), calibrating.switches, STACKED),
        Way("samples", lambda: _probe("cpu_profile", own, places=[sampling]), calibrating.computing, STACKED, cost=lambda without, with_it: (with_it / without - 1) * 1e9 / HERTZ),
        Way("uprobes", lambda: _program("trials", {}, [own_function()]), calibrating.functions))


def _figures(way: Way, rounds: int) -> dict[str, float]:
    costs = []
    way.work()
    for _ in range(rounds):
        without = way.work()
        with contextmanager(way.attached)():
            costs.append(way.cost(without, way.work()) / way.runs)
    first, middle, last = statistics.quantiles(costs, n=4)
    return {key_of(way.name): max(middle, 0.0), f"spread.{way.name}": (last - first) / max(abs(middle), 1e-9)}


def _probe(name: str, aim: Aim, events: list[bytes] | None = None, places: list[Place] | None = None) -> Iterator[Loaded]:
    kind, options = kind_of(name), Options(budget=1000)
    for loaded in _program(kind.object, kind.constants(aim, options), list(places or kind.places(aim, options))):
        yield loaded
        if events is not None:
            loaded.poll(0, events.append)


def _program(name: str, constants: Mapping[str, int], places: list[Place]) -> Iterator[Loaded]:
    loaded = loader_for(name).load(name, constants, only=frozenset(place.program for place in places))
    try:
        loaded.attach(places)
        yield loaded
    finally:
        loaded.close()


def own_function() -> Uprobes:
    """A function of this process's own C library. Raises StopIteration where it has none that is known."""
    path = next(line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "/libc.so.6" in line or "/libc-2" in line)
    return Uprobes("trial_uprobes", path, tuple(function_offsets(Path(path), frozenset({"getpid"})).values()), pid=os.getpid())


def main() -> int:
    """The process. A line of standard input names the process with which it ends, if there is one."""
    from ebpf.privileges import die_with_parent
    from ebpf.targets import group_of, mounted

    parent = "" if sys.stdin.isatty() else sys.stdin.readline().strip()
    if parent.isdecimal():
        die_with_parent(int(parent))
    try:
        print(json.dumps(calibrate(mounted(), group_of(0))))  # noqa: T201 - what the daemon reads
    except (ProbeError, OSError) as error:
        print(json.dumps({"error": str(error)}))  # noqa: T201 - the same
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
