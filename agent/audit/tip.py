"""The tip: a signed note, outside the database, of the audit's last entry. It finds what is cut off the end.

It is written after a commit and before the caller goes on, so it may be behind by what a crash came into, never ahead.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from agent.audit.errors import AuditError, TamperedError
from agent.audit.keys import Key
from tools.actions.action import canonical

_PURPOSE = "audit tip"
_PLACE = 512
"""Bytes of one place: a sector, which disks write whole."""


@dataclass(frozen=True, slots=True)
class Tip:
    """An entry's number and MAC."""

    seq: int
    mac: str


class TipFile:
    """The note in ``path``. Processes may share it; it only goes forward.

    Two places in the file are written in turn, so that a write that is cut leaves the other. They are not synced: after
    a power cut the tip may be some entries behind, which shows nothing wrong, and each entry costs no second sync.
    """

    def __init__(self, path: Path, key: Key) -> None:
        self.path = path
        self._key = key

    def read(self) -> Tip | None:
        """The tip; None when nothing was noted. Raises TamperedError for one that is not signed by the key."""
        try:
            with self.path.open("rb") as handle:
                return self._latest(handle)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TamperedError(f"the audit's tip cannot be read: {error}", where=str(self.path), remedy="run `oncalm audit verify`") from error

    def advance(self, tip: Tip) -> None:
        """Note ``tip`` unless a later one is there. Raises AuditError when it cannot be written."""
        try:
            with os.fdopen(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600), "r+b", buffering=0) as handle:
                fcntl.flock(handle, fcntl.LOCK_EX)
                there = self._latest(handle)
                if there is None or there.seq < tip.seq:
                    os.pwrite(handle.fileno(), self._place(tip), _PLACE * (tip.seq % 2))
        except OSError as error:
            raise AuditError(f"the audit's tip cannot be written: {error}", where=str(self.path), remedy="make room, or give a home that may be written") from error

    def _place(self, tip: Tip) -> bytes:
        told = {"seq": tip.seq, "mac": tip.mac, "seal": self._key.mac(_PURPOSE, _content(tip))}
        return json.dumps(told).encode().ljust(_PLACE - 1) + b"\n"

    def _latest(self, handle: IO[bytes]) -> Tip | None:
        content = os.pread(handle.fileno(), 2 * _PLACE, 0)
        if not content:
            return None
        there = [one for at in (0, _PLACE) if (one := _read(content[at : at + _PLACE])) is not None]
        for tip, seal in sorted(there, key=lambda one: -one[0].seq):  # the later one is nearly always sound
            if self._key.fits(_PURPOSE, _content(tip), seal):
                return tip
        raise TamperedError("the audit's tip is not signed by the audit's key", where=str(self.path), remedy="run `oncalm audit verify`")


def _read(place: bytes) -> tuple[Tip, str] | None:
    """A place's tip and its seal."""
    try:
        told = json.loads(place)
        return Tip(int(told["seq"]), str(told["mac"])), str(told["seal"])
    except (ValueError, KeyError, TypeError):
        return None


def _content(tip: Tip) -> bytes:
    return canonical({"seq": tip.seq, "mac": tip.mac})
