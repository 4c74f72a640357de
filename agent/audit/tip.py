"""The tip: a signed note, outside the database, of the audit's last entry. It finds what is cut off the end.

It is written after a commit and before the caller goes on, so it may be behind by what a crash came into, never ahead.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path

from agent.audit.errors import AuditError, TamperedError
from agent.audit.keys import Key
from telemetry.durable import sync_folder
from tools.actions.action import canonical

_PURPOSE = "audit tip"


@dataclass(frozen=True, slots=True)
class Tip:
    """An entry's number and MAC."""

    seq: int
    mac: str


class TipFile:
    """The note in ``path``. Processes may share it; it only goes forward."""

    def __init__(self, path: Path, key: Key) -> None:
        self.path = path
        self._key = key

    def read(self) -> Tip | None:
        """The tip; None when nothing was noted. Raises TamperedError for one that is not signed by the key."""
        try:
            told = json.loads(self.path.read_text("utf-8"))
            tip, mac = Tip(int(told["seq"]), str(told["mac"])), str(told["seal"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TamperedError(f"the audit's tip cannot be read: {error}", where=str(self.path), remedy="run `oncalm audit verify`") from error
        if not self._key.fits(_PURPOSE, _content(tip), mac):
            raise TamperedError("the audit's tip is not signed by the audit's key", where=str(self.path), remedy="run `oncalm audit verify`")
        return tip

    def advance(self, tip: Tip) -> None:
        """Note ``tip`` unless a later one is there; durable when it returns. Raises AuditError when it cannot be written."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.with_name(self.path.name + ".lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                there = self.read()
                if there is None or there.seq < tip.seq:
                    self._write(tip)
        except OSError as error:
            raise AuditError(f"the audit's tip cannot be written: {error}", where=str(self.path), remedy="make room, or give a home that may be written") from error

    def _write(self, tip: Tip) -> None:
        aside = self.path.with_name(self.path.name + ".partial")
        text = json.dumps({"seq": tip.seq, "mac": tip.mac, "seal": self._key.mac(_PURPOSE, _content(tip))})
        handle = os.open(aside, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        try:
            os.write(handle, text.encode())
            os.fsync(handle)
        finally:
            os.close(handle)
        aside.replace(self.path)
        sync_folder(self.path.parent)


def _content(tip: Tip) -> bytes:
    return canonical({"seq": tip.seq, "mac": tip.mac})
