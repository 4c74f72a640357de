"""Templates that are new, more frequent or gone, and error ratios, by who writes them.

Counted in *units*: the trace a record belongs to, else ten seconds of its writer. What a trace writes after its first
deviation is a consequence and not counted: victims shout.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signals.evidence import proportion_change
from signals.logs.events import ERRORS
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


def changes(logs: LogEvents, windows: Windows, clean: Flags) -> list[Change]:
    """Every template of every writer whose units hold it more or less often; and error ratios.

    :param clean: records not later than the first deviation of their trace.
    """
    base, during = periods(logs.time, windows)
    during &= clean
    unit = np.where(logs.trace >= 0, logs.trace, logs.time // SLOT + int(logs.trace.max(initial=0)) + 1)
    bad = np.array([level.upper() in ERRORS for level in logs.levels], dtype=bool)
    rows = np.flatnonzero(base | during)
    if not len(rows) or not len(logs.templates):
        return []
    held, dense = numbered(unit)
    found = _changes(logs, rows, (dense, len(held)), during, logs.template)
    if bad.any():
        errors = rows[bad[logs.template[rows]]]
        found += _changes(logs, rows, (dense, len(held)), during, np.full(len(logs), -1), errors)
    return found


def _changes(logs: LogEvents, rows: Ints, units: tuple[Ints, int], during: Flags, template: Ints, hits: Ints | None = None) -> list[Change]:
    width = len(logs.templates) + 1
    dense, many = units
    mine = rows if hits is None else hits
    kinds, kind = numbered(logs.entity[mine] * width + template[mine] + 1)
    if not len(kinds):
        return []
    owner = kinds // width
    n0, n1 = (_distinct(logs.entity[rows], dense[rows], during[rows] == side, len(logs.entities), many)[owner] for side in (False, True))
    k0, k1 = (_distinct(kind, dense[mine], during[mine] == side, len(kinds), many) for side in (False, True))
    strengths = proportion_change(k0, n0, k1, n1)
    at = np.full(len(kinds), np.iinfo(np.int64).max)
    np.minimum.at(at, kind[during[mine]], logs.time[mine][during[mine]])
    return _listed(owner, kinds % width - 1, strengths, (k0, n0, k1, n1), at)


def _listed(owner: Ints, template: Ints, strengths: Floats, counts: tuple[Ints, Ints, Ints, Ints], at: Ints) -> list[Change]:
    k0, n0, k1, n1 = counts
    return [
        Change(int(owner[i]), int(template[i]), float(strengths[i]), int(k0[i]), int(n0[i]), int(k1[i]), int(n1[i]),
               int(at[i]) if k1[i] else 0)
        for i in np.flatnonzero(strengths > 0).tolist()
    ]  # fmt: skip


def _distinct(keys: Ints, units: Ints, which: Flags, size: int, width: int) -> Ints:
    """How many different units each key has."""
    return np.bincount(distinct(keys[which] * width + units[which]) // width, minlength=size)
