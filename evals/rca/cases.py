"""What a case of root-cause analysis is, and which loaders read which layout.

A loader hands over what an on-caller would have: telemetry, when the alert came, which service's which metric it named.
The truth stays in :class:`Truth`, which only the scorer reads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from signals.observed import Entity, Observed, Windows


@dataclass(frozen=True, slots=True)
class Truth:
    """The answer of a case: any of ``names`` is right (a service, or its pod)."""

    names: frozenset[str]
    fault: str
    """The fault's type, for figures by type."""
    group: str = ""
    """A further class of the data set (petshop: ``latency``, ``availability``)."""
    positions: frozenset[str] = frozenset()
    """Code positions, where the set knows them."""


@dataclass(frozen=True, slots=True)
class Case:
    """One incident. ``observe`` reads its telemetry when asked, so that a set need not fit in memory."""

    id: str
    observe: Callable[[], Observed]
    truth: Truth
    at: int | None = None
    symptom: Entity | None = None
    aspect: str = ""
    windows: Windows | None = None


@dataclass(frozen=True, slots=True)
class Loader:
    """Reads data sets of one layout. ``fits`` looks at files, never at the folder's own name."""

    name: str
    fits: Callable[[Path], bool]
    cases: Callable[[Path], tuple[Sequence[Case], Sequence[str]]]
    """Its cases, and what could not be read, with the reason."""


def detect(folder: Path, loaders: Sequence[Loader]) -> Loader:
    """The loader whose layout a folder has.

    :raises ValueError: when none, or more than one, fits.
    """
    fitting = [loader for loader in loaders if loader.fits(folder)]
    if len(fitting) != 1:
        known = ", ".join(loader.name for loader in loaders)
        raise ValueError(f"{folder} is laid out like {' and '.join(x.name for x in fitting) or 'no set'} of: {known}")
    return fitting[0]
