"""Whether the audit, and the state it speaks of, are what was written: edits, removals, changed order, a cut end."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.audit.chain import Entry, Problem, check
from agent.audit.errors import AuditError
from agent.audit.journal import Journal
from agent.audit.keys import Key
from agent.audit.tip import Tip

if TYPE_CHECKING:
    from sqlalchemy import Connection

STATES_AFTER = frozenset({
    "approved", "rejected", "expired", "superseded", "executing", "succeeded", "failed", "unknown", "confirmed",
    "rolling_back", "rolled_back", "rollback_failed", "rollback_unknown"})
"""Events that say which state an approval came to."""


@dataclass(frozen=True, slots=True)
class Report:
    """``entries`` were looked at; nothing is wrong when there are no ``problems``."""

    entries: int
    problems: tuple[Problem, ...]

    @property
    def sound(self) -> bool:
        return not self.problems

    def document(self) -> dict[str, Any]:
        """As ``--json`` shows it."""
        return {"sound": self.sound, "entries": self.entries, "problems": [{"entry": one.seq, "what": one.what} for one in self.problems]}


def verify(journal: Journal) -> Report:
    """Look at everything, in one consistent read. Raises StoreError when it cannot be read."""
    try:
        tip = journal.tip_file.read()
        lost: tuple[Problem, ...] = ()
    except AuditError as error:
        tip, lost = None, (Problem(0, error.what),)
    with journal.database.reading() as connection:
        seen = _Seen(tip)
        problems = [*check(seen.watching(journal.entries(connection)), journal.key), *seen.end(connection), *seen.states(connection)]
        return Report(seen.entries, (*problems, *lost))


def verify_lines(lines: Iterable[str], key: Key) -> Report:
    """Look at an export, away from its database; what was cut off its end cannot be seen there."""
    count, problems = 0, []

    def entries() -> Iterator[Entry]:
        nonlocal count
        for number, line in enumerate(lines, 1):
            try:
                yield Entry(**json.loads(line))
                count += 1
            except (ValueError, TypeError):
                problems.append(Problem(number, "this line is no entry"))

    found = list(check(entries(), key))
    return Report(count, (*found, *problems))


class _Seen:
    """What went by while the chain was checked."""

    def __init__(self, tip: Tip | None) -> None:
        self.entries = 0
        self._tip = tip
        self._last: Entry | None = None
        self._at_tip: str | None = None
        self._states: dict[str, str] = {}
        self._seals: dict[str, str] = {}

    def watching(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """The entries, noted as they pass."""
        for entry in entries:
            self.entries, self._last = self.entries + 1, entry
            if self._tip is not None and entry.seq == self._tip.seq:
                self._at_tip = entry.mac
            if entry.event in STATES_AFTER:
                self._states[entry.subject] = entry.event
            elif entry.event == "proposed":
                self._proposed(entry)
            yield entry

    def end(self, connection: Connection) -> Iterator[Problem]:
        """Whether the end is the one that the head and the tip know."""
        from agent.state_db.schema import head

        row = connection.execute(head.select()).one()
        seq, mac = (self._last.seq, self._last.mac) if self._last else (0, "")
        if (row.seq, row.mac) != (seq, mac):
            yield Problem(seq, f"the audit should end with entry {row.seq}")
        if self._tip is not None and self._at_tip != self._tip.mac:
            yield Problem(seq, f"entry {self._tip.seq} is in the tip and is not in the audit: its end was cut off, or put back to an older state")

    def states(self, connection: Connection) -> Iterator[Problem]:
        """Whether each approval is in the state, and has the record, that the audit says."""
        from sqlalchemy import select

        from agent.state_db.schema import approvals

        there = {row.id: row for row in connection.execute(select(approvals.c.id, approvals.c.state, approvals.c.seal))}
        for name, row in there.items():
            said = self._states.get(name, "pending") if name in self._seals else None
            if said is None:
                yield Problem(0, f"approval {name} was never proposed")
            elif row.state != said:
                yield Problem(0, f"approval {name} is {row.state}, and by the audit it is {said}")
            elif row.seal != self._seals[name]:
                yield Problem(0, f"approval {name} has another record than the one that was proposed")
        yield from (Problem(0, f"approval {name} is gone") for name in self._seals.keys() - there.keys())

    def _proposed(self, entry: Entry) -> None:
        try:
            self._states[entry.subject] = "pending"
            self._seals[entry.subject] = json.loads(entry.body)["seal"]
        except (ValueError, KeyError):  # an edited body; the chain's check says so
            self._seals[entry.subject] = ""
