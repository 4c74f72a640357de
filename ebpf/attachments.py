"""How probes are attached, which is what a run of their programs costs by: each way is calibrated by itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

STACKED = 15.0
"""Runs that one with two stacks is counted as (``WALK`` in ``bpf/stacks.h``: a walk counts as 7)."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A way to attach. ``assumed``: ns that a run is taken for where it was not calibrated, more than was ever measured, so that a cap ends too early and not
    too late. ``runs``: as how many runs one with all that it does is counted."""

    words: str
    assumed: float = 2_000.0
    runs: float = 1.0


WAYS: Mapping[str, Attachment] = {
    "packets": Attachment("packets of a control group"),
    "system_calls": Attachment("system calls, where one begins or ends"),
    "switches": Attachment("switches of the scheduler, and other tracepoints"),
    "stacks": Attachment("switches of the scheduler, with two stacks", runs=STACKED),
    "samples": Attachment("a clock of each CPU, with two stacks and the interrupt", 3_000.0, STACKED),
    "uprobes": Attachment("functions of programs, the trap alone", 15_000.0),
}
_WAY: Mapping[str, str] = {
    **dict.fromkeys(("http", "postgres", "mysql", "grpc", "dns", "accept_overflow"), "packets"), "https": "uprobes",
    **dict.fromkeys(("file_latency", "syscall_errors"), "system_calls"), "off_cpu": "stacks", "cpu_profile": "samples"}
_RUNS: Mapping[str, float] = {"file_latency": 2.0, "run_queue": 2.0, "cpu_profile": STACKED}
LEAST_NS = 50.0
"""What one run of a program costs at least: a calibration below it measured noise, and the cap would see nothing."""


def way_of(probe: str) -> str:
    """How a probe is attached: a key of :data:`WAYS`."""
    return _WAY.get(probe, "switches")


def runs_of(probe: str) -> float:
    """Runs of its programs for each thing that :mod:`ebpf.rates` counts; at most, where it depends on whose thing it is."""
    return _RUNS.get(probe, 1.0)


def key_of(way: str) -> str:
    """The name of a way's figure among those that are kept."""
    return f"ns_per_call.{way}"


def calibrated_ns(probe: str, figures: Mapping[str, float]) -> float | None:
    """ns of one run, as calibrated; None where that way was not. What runs behind a uprobe's trap is taken for what runs at packets."""
    found = figures.get(key_of(way_of(probe)))
    if way_of(probe) != "uprobes":
        return found
    behind = figures.get(key_of("packets"))
    return None if found is None or behind is None else found + behind


def per_run(probe: str, calibrated: float | None) -> float:
    """ns that one run of a probe's programs is taken for, by the cap and by the prediction; ``calibrated`` on this node, None or 0 unknown."""
    if calibrated is not None and calibrated > 0 and math.isfinite(calibrated):
        return max(calibrated, LEAST_NS)
    assumed = WAYS[way_of(probe)].assumed
    return assumed + WAYS["packets"].assumed if way_of(probe) == "uprobes" else assumed
