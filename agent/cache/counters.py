"""How often each cache was asked in one run, and how often it had what was wanted."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

LAYERS = ("replies", "tools", "recall", "flights")
"""What can be switched on and off, and is counted."""


class Counters:
    """Look-ups by layer; threads may share one. ``seen`` takes each of them, for metrics."""

    def __init__(self, seen: Callable[[str, bool], None] = lambda _layer, _hit: None) -> None:
        self._seen = seen
        self._lock = Lock()
        self._counts: dict[str, dict[str, int]] = {}

    def looked_up(self, layer: str, *, hit: bool) -> None:
        """Count one look-up."""
        with self._lock:
            kept = self._counts.setdefault(layer, {"hits": 0, "misses": 0})
            kept["hits" if hit else "misses"] += 1
        self._seen(layer, hit)

    def totals(self) -> dict[str, dict[str, int]]:
        """``{layer: {"hits", "misses"}}`` of the layers that were asked."""
        with self._lock:
            return {layer: dict(kept) for layer, kept in self._counts.items()}
