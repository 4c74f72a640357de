"""The one service behind webhooks, pages, Slack and the command line: receive, list, show, and lead through life."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from agent.approvals.people import Person
from agent.audit.journal import micros, short
from agent.incidents import queue, reading, statements
from agent.incidents.alert import Alert, link_of, masked_document
from agent.incidents.book import CLOCK, Book
from agent.incidents.errors import ReplayedAlertError, WayError
from agent.incidents.incident import Incident, Whole
from agent.incidents.receiving import Receipt, Receiving
from agent.incidents.settings import AlertSettings
from agent.incidents.states import STATES, State
from agent.incidents.tables import deliveries, incidents, links, people
from agent.state_db.database import Database
from telemetry.errors import OnCalmError, UsageError

_log = logging.getLogger(__name__)
OnEvent = Callable[[str, Incident], None]
Found: TypeAlias = list[Incident]  # within the class ``list`` is its method
Ids: TypeAlias = list[str]
_EVENT_DAYS = timedelta(days=14)
"""How long an event is known that may be delivered again."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """The alerts of one request. ``once`` names what may be sent only once; ``event`` what may come again and counts once."""

    alerts: Sequence[Alert]
    once: str = ""
    event: str = ""


class Incidents:
    """Incidents of one state database. Threads and processes may use it at once; every method is one transaction.

    ``clock`` tells the time in UTC. ``on_event`` is told what happened after it was committed, by the name of the
    timeline's entry; what it raises is logged and stops nothing.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime], settings: AlertSettings | None = None,
                 on_event: OnEvent = lambda kind, incident: None) -> None:
        self.database = database
        self.clock = clock
        self.settings = settings or AlertSettings()
        self._on_event = on_event
        self._turn = threading.Lock()  # SQLite lets writers wait by sleeping: one that commits again and again would starve the others

    def receive(self, given: Sequence[Delivery]) -> list[Receipt | OnCalmError]:
        """Keep deliveries, all in one transaction; for each what became of it, or ReplayedAlertError. Raises StoreError: none was kept."""
        with self.writing() as book:
            receiving = Receiving(book, self.settings, (alert for one in given for alert in one.alerts))
            seen = self._seen(book, given)
            told = [self._taken(book, receiving, one, seen) for one in given]
            book.settle(receiving.flush)
            queue.shed(book, self.settings)
        return told

    def list(self, states: Iterable[str] = ("open", "investigating", "mitigated"), *, severity: str = "", service: str = "", cursor: str = "",
             limit: int = 50) -> tuple[Found, str | None]:
        """Incidents, the newest first, and where the next ones begin. Raises UsageError for words that are none."""
        asked = list(dict.fromkeys(states)) or list(STATES)
        if unknown := [one for one in asked if one not in STATES]:
            raise UsageError(f"there is no state {unknown[0][:40]!r}", where="state", remedy=f"use {', '.join(STATES)}")
        with self.database.reading() as connection:
            return reading.page(connection, asked, severity, service, cursor, max(1, min(limit, 500)))

    def show(self, ident: str, *, after: int = 0) -> Whole:
        """Everything about one; of its timeline what comes ``after`` an entry. Raises NoSuchIncidentError."""
        with self.database.reading() as connection:
            return reading.whole(connection, ident, after)

    def alerts_open(self, ident: str) -> tuple[int, datetime | None]:
        """How many of its alerts nobody told the end of, and when one of them was told of last. Raises NoSuchIncidentError."""
        with self.database.reading() as connection:
            return reading.alerts_open(connection, ident)

    def standing(self) -> reading.Standing:
        """How many there are, by state. Raises StoreError."""
        with self.database.reading() as connection:
            return reading.standing(connection, micros(self.clock()))

    def named(self, start: str) -> Ids:
        """Ids that begin so, with or without ``inc-``; at most two: one that is meant is alone."""
        begins = f"inc-{start.removeprefix('inc-')}"
        with self.database.reading() as connection:
            rows = connection.execute(incidents.select().with_only_columns(incidents.c.id).where(
                incidents.c.id.startswith(begins, autoescape=True)).limit(2))
            return [row.id for row in rows]

    def acknowledge(self, ident: str, by: Person, *, version: int | None = None) -> Incident:
        """Somebody looks after it: its owner, if it has none yet."""
        def act(book: Book, one: Incident) -> None:
            if one.state in {"mitigated", "resolved"}:
                raise WayError(f"it is {one.state} (by {one.ended_by}); there is nothing to acknowledge", where=f"incident {one.id}", remedy="reopen it first")
            joined = self._join(book, one, by.id, "owner" if not one.owner else "participant")
            one.owner = one.owner or by.id
            if joined or one.state == "open":
                book.note(one, "acknowledged", by.id)
            if one.state == "open":
                book.move(one, "investigating", by.id)

        return self._act(ident, version, act)

    def mitigate(self, ident: str, by: Person, *, why: str = "", version: int | None = None) -> Incident:
        """It hurts nobody any more. Raises WayError."""
        return self._move(ident, "mitigated", by, why, version)

    def resolve(self, ident: str, by: Person, *, why: str = "", version: int | None = None) -> Incident:
        """It is over; ``why`` is its resolution, which the next of its group links to. Raises WayError."""
        return self._move(ident, "resolved", by, why, version)

    def reopen(self, ident: str, by: Person, *, why: str = "", version: int | None = None) -> Incident:
        """It is not over. Raises WayError."""
        return self._move(ident, "open", by, why, version)

    def note(self, ident: str, by: Person, text: str) -> Incident:
        """Put words into its timeline. Raises UsageError without any."""
        said = short(text)
        if not said:
            raise UsageError("a note needs words", where="text", remedy="write something")
        return self._act(ident, None, lambda book, one: book.note(one, "note", by.id, {"text": said}))

    def link(self, ident: str, by: Person, url: str, title: str = "") -> Incident:
        """Put a link of http or https beside it; it is shown and never fetched. Raises UsageError."""
        def act(book: Book, one: Incident) -> None:
            safe = link_of(url)
            if not safe:
                raise UsageError("this is no link of http or https", where="url", remedy="give one of at most 2,000 characters")
            row = {"incident": one.id, "digest": hashlib.sha256(safe.encode()).hexdigest()}
            if book.connection.execute(links.select().filter_by(**row)).one_or_none() is None:
                book.connection.execute(links.insert().values(**row, url=safe, title=short(title)[:200], by=by.id, at=book.now))
                book.note(one, "link", by.id, {"url": safe, "title": short(title)[:200]})

        return self._act(ident, None, act)

    def participant(self, ident: str, by: Person, person: str, *, part: str = "participant") -> Incident:
        """Somebody takes part, or owns it from now on. Raises UsageError for a name or a part that is none."""
        def act(book: Book, one: Incident) -> None:
            who = Person(person).id
            if part not in {"participant", "owner"}:
                raise UsageError("there is no such part", where="part", remedy="use participant or owner")
            if self._join(book, one, who, part) or (part == "owner" and one.owner != who):
                one.owner = who if part == "owner" else one.owner
                book.note(one, "participant", by.id, {"person": who, "part": part})

        return self._act(ident, None, act)

    def record(self, ident: str, kind: str, actor: str, body: Mapping[str, Any]) -> Incident:
        """Put what happened elsewhere (an approval, an action) into its timeline; texts are masked."""
        safe = masked_document(body)
        return self._act(ident, None, lambda book, one: book.note(one, kind, actor, safe))

    def follow(self, ident: str, approval: Mapping[str, Any]) -> Incident:
        """Put what became of an approval (its document) into the timeline, each passage once, whoever else does."""
        def act(book: Book, one: Incident) -> None:
            for actor, body in reading.news(book.connection, ident, approval):
                book.note(one, reading.APPROVAL, actor, masked_document(body))

        return self._act(ident, None, act)

    def investigate(self, ident: str, by: Person, *, why: str = "") -> Incident:
        """Have it investigated again; what was found before stays until then. Raises WayError while one is under way."""
        def act(book: Book, one: Incident) -> None:
            if not queue.again(book, ident):
                raise WayError("its investigation waits or is under way", where=f"incident {one.id}", remedy="wait for what it finds")
            book.note(one, "investigation_asked", by.id, {"why": short(why)} if why.strip() else {})

        return self._act(ident, None, act)

    def settle_quiet(self) -> Found:
        """Resolve what its alerts mitigated a while ago, take up what was put off, forget old deliveries; what was resolved."""
        with self.writing() as book:
            before = book.now - int(self.settings.quiet.total_seconds() * 1e6)
            rows = book.connection.execute(incidents.select().where(
                incidents.c.state == "mitigated", incidents.c.ended_by == "alerts", incidents.c.changed <= before).limit(200)).all()
            over = [book.held(row) for row in rows]
            for one in over:
                book.move(one, "resolved", CLOCK, "no alert of its group fired since")
            book.connection.execute(deliveries.delete().where(deliveries.c.until < book.now))
            queue.calm(book, self.settings)
        return over

    @contextmanager
    def writing(self) -> Iterator[Book]:
        """One transaction over incidents; what happened is told after its commit. Raises StoreError."""
        with self._turn, self.database.writing() as connection:
            book = Book(connection, micros(self.clock()))
            yield book
            book.settle()
        for kind, one in book.told():
            try:
                self._on_event(kind, one)
            except Exception:  # noqa: BLE001 - whoever listens must not undo what is kept
                _log.exception("incident %s: who is told of %s failed", one.id, kind)

    def _taken(self, book: Book, receiving: Receiving, given: Delivery, seen: set[str]) -> Receipt | OnCalmError:
        told = Receipt()
        for text, lasts in ((given.once, 2 * self.settings.replay), (given.event, _EVENT_DAYS)):
            if not text:
                continue
            ident = _once(text)
            if ident in seen:
                if text == given.once:
                    return ReplayedAlertError("it was signed and sent before", where="alerts", remedy="sign each request anew")
                told.duplicate = len(given.alerts)
                return told
            seen.add(ident)
            book.connection.execute(statements.REMEMBERS, {"once": ident, "until": book.now + int(lasts.total_seconds() * 1e6)})
        for alert in given.alerts:
            told.count(*receiving.take(alert))
        return told

    def _seen(self, book: Book, given: Sequence[Delivery]) -> set[str]:
        """Which of these deliveries came before."""
        idents = [_once(text) for one in given for text in (one.once, one.event) if text]
        found = book.connection.execute(statements.SEEN, {"ids": idents}) if idents else ()
        return {row.once for row in found}

    def _move(self, ident: str, after: State, by: Person, why: str, version: int | None) -> Incident:
        return self._act(ident, version, lambda book, one: book.move(one, after, by.id, short(why)))

    def _act(self, ident: str, version: int | None, act: Callable[[Book, Incident], None]) -> Incident:
        """The incident as ``act`` leaves it. Raises WayError when it is not the one that was seen."""
        with self.writing() as book:
            one = book.get(ident)
            if version is not None and version != one.version:
                raise WayError(f"it has changed since: it is {one.state}, version {one.version}", where=f"incident {one.id}", remedy="look at it again")
            act(book, one)
        return one

    def _join(self, book: Book, one: Incident, who: str, part: str) -> bool:
        """Whether somebody is new to it."""
        known = book.connection.execute(people.select().where(people.c.incident == one.id, people.c.person == who)).one_or_none()
        if known is None:
            book.connection.execute(people.insert().values(incident=one.id, person=who, part=part, at=book.now))
        elif known.part != part and part == "owner":
            book.connection.execute(people.update().where(people.c.incident == one.id, people.c.person == who).values(part=part))
        return known is None


def _once(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
