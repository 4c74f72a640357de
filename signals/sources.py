"""Every source of signs, in one list. A new kind of signal is a function and a line here."""

from __future__ import annotations

from collections.abc import Callable

from signals import changes, logs, metrics, traces
from signals.diagnosis import Sign
from signals.kube import incident as kube
from signals.observed import Observed, Windows
from signals.topology import Topology

SignSource = Callable[[Observed, Windows, Topology], list[Sign]]

SOURCES: tuple[SignSource, ...] = (
    metrics.signs,
    changes.signs,
    logs.signs,
    traces.signs,
    kube.signs,
)


def gather(observed: Observed, windows: Windows, topology: Topology) -> list[Sign]:
    """The signs of all sources, strongest first; equal ones in the order of their entities, so that input order is nothing."""
    found = [sign for source in SOURCES for sign in source(observed, windows, topology)]
    return sorted(found, key=lambda sign: (-sign.strength, sign.entity, sign.kind, sign.aspect, sign.statement))
