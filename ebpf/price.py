"""The price of a probe, told before it is attached: this node's calibrated cost of one run of its programs times the observed rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ebpf.attachments import calibrated_ns, per_run, runs_of
from ebpf.spec import ProbeSpec

NS_PER_EVENT = 90_000
"""What the worker spends on an event that is handed out, parsed, redacted and told; where it was not calibrated."""
IDLE = 0.004
"""The share of a CPU of a worker that has nothing to do but look around."""
_LOWER_BOUNDS = frozenset({"system_calls"})
_PER_THING = {"segments": 3.0}
"""Runs of programs for each request: a request's and a response's segment, and the read."""


@dataclass(frozen=True, slots=True)
class Price:
    """``share`` of one CPU; None where the rate or the cost is not known. ``cap``: above it the probe is taken away."""

    share: float | None
    cap: float
    rate: float | None
    """Events a second of what it grows with."""
    ns_per_call: float | None
    """Of each of these events, all runs of programs that it takes."""
    kernel: float | None
    worker: float | None
    assumed: float = 0.0
    """ns a run that the cap assumes where nothing was calibrated."""
    least: bool = False
    """The rate is a lower bound."""

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    def words(self) -> str:
        """In a sentence, for whoever approves."""
        if self.share is None or self.rate is None or self.ns_per_call is None:
            assumed = "" if self.ns_per_call else f", as far as can be told with {self.assumed:,.0f} ns assumed for each run of a program: this node is not calibrated"
            return f"its price could not be predicted; it is taken away above {self.cap:.1%} of one CPU{assumed}"
        about = "at least" if self.least else "about"
        return (f"{about} {self.share:.2%} of one CPU ({self.rate:,.0f} events a second, {self.ns_per_call:,.0f} ns each, and the worker); "
                f"it is taken away above {self.cap:.1%}")


def predicted(spec: ProbeSpec, rate: float | None, calibrated: Mapping[str, float], per: str) -> Price:
    """From the observed ``rate`` and what was calibrated of the way in which the probe is attached (:mod:`ebpf.attachments`)."""
    found = calibrated_ns(spec.name, calibrated)
    ns = per_run(spec.name, found) * runs_of(spec.name) if found is not None else None
    assumed, least = per_run(spec.name, None), per in _LOWER_BOUNDS
    if rate is None or ns is None:
        return Price(None, spec.overhead, rate, ns, None, None, assumed, least)
    kernel = rate * ns / 1e9
    events = min(float(spec.budget), rate / _PER_THING.get(per, 1.0))
    worker = IDLE + events * calibrated.get("ns_per_event", NS_PER_EVENT) / 1e9
    return Price(kernel + worker, spec.overhead, rate, ns, kernel, worker, assumed, least)
