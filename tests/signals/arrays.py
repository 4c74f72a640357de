"""Small hand-made telemetry: a minute a point, steady with a little deterministic noise, and a shift at the end."""

from __future__ import annotations

import numpy as np

from signals.observed import Entity, Series, Window, Windows

MINUTE = 60_000_000
ONSET = 60 * MINUTE
WINDOWS = Windows((Window(0, ONSET),), Window(ONSET, 70 * MINUTE))


def service(name: str) -> Entity:
    return Entity("service", name)


def series(name: str | Entity, metric: str, usual: float, during: float | None = None, *, points: int = 10, wobble: float = 0.02) -> Series:
    """An hour of ``usual`` and ``points`` minutes of ``during``."""
    level = np.r_[np.full(60, usual), np.full(points, usual if during is None else during)].astype(np.float64)
    noise = 1 + wobble * np.sin(np.arange(len(level)) * 2.4)
    entity = name if isinstance(name, Entity) else service(name)
    return Series(entity, metric, np.arange(len(level), dtype=np.int64) * MINUTE, level * noise)
