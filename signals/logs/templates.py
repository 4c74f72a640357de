"""Templates that are new, more frequent or gone, and error ratios, by who writes them.

Counted in *units*: the trace a record belongs to, else ten seconds of its writer. What a trace writes after its first
deviation is a consequence and not counted: victims shout.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signals.evidence import proportion_change
from signals.logs.events import ERRORS
from signals.logs.flow import NEVER
from signals.observed import Flags, Floats, Ints, LogEvents, Windows
from signals.periods import periods
from telemetry.numbering import distinct, numbered

SLOT = 10_000_000
"""µs of a unit without trace."""


@dataclass(frozen=True, slots=True)
class Change:
    """How often a writer's units held a template (or, with template -1, any error), before and during."""

    entity: int
    template: int
    strength: float
    hits: int
    of: int
    hits_during: int
    of_during: int
    at: int
    """Its first time in the incident, µs; 0 when it has none."""

    @property
    def rose(self) -> bool:
        """Whether it is more frequent than before."""
        return self.hits_during * self.of > self.hits * self.of_during


@dataclass(frozen=True, slots=True)
class _Side:
    """Which units of a window hold which template of which writer, each once: what is counted is far less than what was written."""

    entity: Ints
    template: Ints
    unit: Ints
    first: Ints
    """When this writer first wrote this template in the window."""


def changes(logs: LogEvents, windows: Windows, clean: Flags) -> list[Change]:
    """Every template of every writer whose units hold it more or less often; and error ratios.

    :param clean: records not later than the first deviation of their trace.
    """
    if not len(logs.templates):
        return []
    base, during = periods(logs.time, windows)
    sides = _side(logs, base), _side(logs, during & clean)
    bad = np.array([level.upper() in ERRORS for level in logs.levels], dtype=bool)
    found = _changes(logs, sides, sides)
    return found + _changes(logs, sides, (_errors(sides[0], bad), _errors(sides[1], bad))) if bad.any() else found


def _side(logs: LogEvents, which: Flags) -> _Side:
    time, trace, width = logs.time[which], logs.trace[which], len(logs.templates)
    unit = np.where(trace >= 0, trace, time // SLOT + int(trace.max(initial=0)) + 1)
    unit -= unit.min(initial=NEVER)
    span = int(unit.max(initial=0)) + 1
    kinds, kind = numbered(logs.entity[which] * width + logs.template[which])
    first = np.full(len(kinds), NEVER)
    np.minimum.at(first, kind, time)
    held, unit = np.divmod(distinct(kind * span + unit), span)
    return _Side(kinds[held] // width, kinds[held] % width, unit, first[held])


def _errors(side: _Side, bad: Flags) -> _Side:
    """Only what tells of an error, all templates as one: -1."""
    rows = np.flatnonzero(bad[side.template])
    return _Side(side.entity[rows], np.full(len(rows), -1), side.unit[rows], side.first[rows])


def _changes(logs: LogEvents, of: tuple[_Side, _Side], hits: tuple[_Side, _Side]) -> list[Change]:
    width = len(logs.templates) + 1
    labels = [side.entity * width + side.template + 1 for side in hits]
    kinds = distinct(np.concatenate(labels))
    if not len(kinds):
        return []
    owner = kinds // width
    n0, n1 = (_units(side.entity, side.unit, len(logs.entities))[owner] for side in of)
    k0, k1 = (_units(np.searchsorted(kinds, label), side.unit, len(kinds)) for label, side in zip(labels, hits, strict=True))
    at = np.full(len(kinds), NEVER)
    np.minimum.at(at, np.searchsorted(kinds, labels[1]), hits[1].first)
    return _listed(owner, kinds % width - 1, proportion_change(k0, n0, k1, n1), (k0, n0, k1, n1), at)


def _listed(owner: Ints, template: Ints, strengths: Floats, counts: tuple[Ints, Ints, Ints, Ints], at: Ints) -> list[Change]:
    k0, n0, k1, n1 = counts
    return [
        Change(int(owner[i]), int(template[i]), float(strengths[i]), int(k0[i]), int(n0[i]), int(k1[i]), int(n1[i]),
               int(at[i]) if k1[i] else 0)
        for i in np.flatnonzero(strengths > 0).tolist()
    ]  # fmt: skip


def _units(keys: Ints, units: Ints, size: int) -> Ints:
    """How many different units each key has."""
    width = int(units.max(initial=0)) + 1
    return np.bincount(distinct(keys * width + units) // width, minlength=size)
