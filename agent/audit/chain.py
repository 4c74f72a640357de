"""The chain: each entry's MAC covers its content and the MAC before it (as in Schneier and Kelsey, "Secure Audit Logs to
Support Computer Forensics", 1999, §3, without their evolving keys). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from agent.audit.keys import Key
from tools.actions.action import canonical

GENESIS = "0" * 64
"""What stands before the first entry."""
_PURPOSE = "audit entry"


@dataclass(frozen=True, slots=True)
class Entry:
    """One record. ``at`` is microseconds since 1970 (UTC) by the writer's clock; ``body`` is canonical JSON."""

    seq: int
    at: int
    event: str
    subject: str
    """The approval's id, or empty."""
    actor: str
    body: str
    key_id: str
    previous: str
    mac: str = ""

    def signed(self, key: Key) -> Entry:
        """The entry with its MAC."""
        return replace(self, mac=key.mac(_PURPOSE, self._content()))

    def fits(self, key: Key) -> bool:
        """Whether the MAC is that of the content."""
        return key.fits(_PURPOSE, self._content(), self.mac)

    def _content(self) -> bytes:
        told = exported(self)
        del told["mac"]
        return canonical(told)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and at which entry (0: not at one)."""

    seq: int
    what: str


def check(entries: Iterable[Entry], key: Key) -> Iterator[Problem]:
    """What is wrong with a chain that is given whole and in order. Finds edits, removals, and changed order.

    What was cut off its end cannot be seen here; that is what the head and the tip are for.
    """
    before, expected = GENESIS, 1
    for entry in entries:
        if entry.seq != expected:
            missing = entry.seq - expected
            yield Problem(entry.seq, f"{missing} entries before it are missing" if missing > 0 else "it is out of order")
        elif entry.previous != before:
            yield Problem(entry.seq, "it does not follow the entry before it")
        if entry.key_id != key.id:
            yield Problem(entry.seq, f"it was made with another key ({entry.key_id})")
        elif not entry.fits(key):
            yield Problem(entry.seq, "it was edited")
        before, expected = entry.mac, entry.seq + 1


def exported(entry: Entry) -> dict[str, Any]:
    """As a line of JSON holds it: every field, ``body`` as the text that was signed."""
    return {name: getattr(entry, name) for name in entry.__slots__}
