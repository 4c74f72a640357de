"""Slots and levels: the two shapes that reading lines needs, apart from those checked at an edge.

They stand alone so that an ingest starts without the validation library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["trace", "debug", "info", "notice", "warn", "error", "fatal"]
LEVELS: tuple[Level, ...] = ("trace", "debug", "info", "notice", "warn", "error", "fatal")


@dataclass(frozen=True, slots=True)
class Slot:
    """A variable part of a message: ``type`` (``ip``, ``number`` …) and ``name`` (``port`` …).

    ``start`` and ``end`` are character offsets in the text the slot was found in.
    A slot that no context names carries its type as its name.
    """

    type: str
    name: str
    start: int
    end: int
