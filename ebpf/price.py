"""The price of a probe, told before it is attached: this node's calibrated cost of one run of its programs times the observed rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ebpf.governor import UNKNOWN_NS, per_run
from ebpf.spec import ProbeSpec

NS_PER_EVENT = 90_000
"""What the worker spends on an event that is handed out, parsed, redacted and told; where it was not calibrated."""
IDLE = 0.004
"""The share of a CPU of a worker that has nothing to do but look around."""
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
    kernel: float | None
    worker: float | None

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    def words(self) -> str:
        """In a sentence, for whoever approves."""
        if self.share is None or self.rate is None or self.ns_per_call is None:
            assumed = "" if self.ns_per_call else f", as far as can be told with {UNKNOWN_NS:,.0f} ns assumed for each run of a program: this node is not calibrated"
            return f"its price could not be predicted; it is taken away above {self.cap:.1%} of one CPU{assumed}"
        return (f"about {self.share:.2%} of one CPU ({self.rate:,.0f} events a second, {self.ns_per_call:,.0f} ns each, and the worker); "
                f"it is taken away above {self.cap:.1%}")


def predicted(spec: ProbeSpec, rate: float | None, calibrated: Mapping[str, float], per: str) -> Price:
    """From the observed ``rate`` and what was calibrated: ``ns_per_call`` and ``ns_per_event``."""
    ns = calibrated.get("ns_per_call")
    ns = per_run(spec.name, ns) if ns is not None else None
    if rate is None or ns is None:
        return Price(None, spec.overhead, rate, ns, None, None)
    kernel = rate * ns / 1e9
    events = min(float(spec.budget), rate / _PER_THING.get(per, 1.0))
    worker = IDLE + events * calibrated.get("ns_per_event", NS_PER_EVENT) / 1e9
    return Price(kernel + worker, spec.overhead, rate, ns, kernel, worker)
